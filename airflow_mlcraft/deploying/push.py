"""Push an image to a registry, by Docker's own logins or by the one that is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_mlcraft.deploying.errors import DeployingError, Watch

if TYPE_CHECKING:
    from docker import DockerClient


def push(client: DockerClient, repository: str, tag: str, watch: Watch, login: Mapping[str, str] | None = None) -> str:
    """Send the image; gives its digest, by which the registry knows exactly this one."""
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
            watch.doing(f"Pushing {repository}:{tag}", *map(sum, zip(*sent.values(), strict=True)))
        elif entry.get("status"):
            watch.line(" ".join(str(entry[key]) for key in ("id", "status") if key in entry))
    if not digest:
        raise DeployingError(f"{repository}:{tag} cannot be pushed: the registry has not said what it has got")
    return digest
