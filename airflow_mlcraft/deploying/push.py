"""Pushing an image to a registry, with Docker's own logins or a given one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter

if TYPE_CHECKING:
    from docker import DockerClient


def push(
    client: DockerClient, repository: str, tag: str, progress: ProgressReporter, login: Mapping[str, str] | None = None
) -> str:
    """Push the image and return its digest, which identifies it in the registry."""
    digest = ""
    sent: dict[str, tuple[float, float]] = {}
    for entry in client.api.push(
        repository, tag=tag, stream=True, decode=True, auth_config=dict(login) if login else None
    ):
        if "error" in entry:
            raise DeployingError(
                f"{repository}:{tag} cannot be pushed: {str(entry['error']).strip()}",
                "" if login else "log in with `docker login`, and see that you may write there",
            )
        digest = str((entry.get("aux") or {}).get("Digest") or digest)
        detail = entry.get("progressDetail") or {}
        if detail.get("total") and entry.get("id"):
            sent[str(entry["id"])] = (float(detail.get("current", 0)), float(detail["total"]))
            progress.update(f"Pushing {repository}:{tag}", *map(sum, zip(*sent.values(), strict=True)))
        elif entry.get("status"):
            progress.log(" ".join(str(entry[key]) for key in ("id", "status") if key in entry))
    if not digest:
        raise DeployingError(f"{repository}:{tag} cannot be pushed: the registry has not said what it has got")
    return digest
