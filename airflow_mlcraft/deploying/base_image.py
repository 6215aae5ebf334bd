"""The image that others are built on: which Python it has, asked of the image itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlcraft.deploying.errors import DeployingError, Watch

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

_ASK = (
    "import json, platform, sys; print(json.dumps({'python': platform.python_version(), "
    "'machine': platform.machine(), 'libc': platform.libc_ver()}))"
)
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_GLIBC = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)
"""The minor versions of glibc 2 that uv knows as platforms."""


@dataclass(frozen=True)
class Base:
    """An image with Python. `platform` is in uv's words."""

    name: str
    id: str
    digest: str
    python: str
    platform: str

    @property
    def machine(self) -> str:
        return self.platform.partition("-")[0]


def look_at(client: DockerClient, name: str, watch: Watch) -> Base:
    """The image, pulled if it is not there."""
    from docker.errors import ContainerError, ImageNotFound

    try:
        image = client.images.get(name)
    except ImageNotFound:
        watch.say(f"Pulling {name}")
        image = _pull(client, name)
    try:
        said = client.containers.run(
            image, ["-c", _ASK], entrypoint="python", remove=True, network_disabled=True, read_only=True
        )
        found = json.loads(said)
        machine, python = _MACHINES[found["machine"].lower()], str(found["python"])
    except (ContainerError, ValueError, KeyError) as error:
        raise DeployingError(f"the base image {name} cannot be used: it says {error}", _EXPECTED) from None
    except Exception as error:
        if "executable file not found" in str(error):
            raise DeployingError(f"the base image {name} has no command `python`", _EXPECTED) from None
        raise
    digests = image.attrs.get("RepoDigests") or []
    digest = digests[0].partition("@")[2] if digests else ""
    return Base(name, str(image.id), digest, python, f"{machine}-{_libc(*found['libc'])}")


_EXPECTED = "name one with Python, such as python:3.13-slim"


def _pull(client: DockerClient, name: str) -> Image:
    from docker.errors import APIError

    try:
        return client.images.pull(name)
    except APIError as error:
        raise DeployingError(
            f"the base image {name} is not here and cannot be pulled ({error.explanation or error})",
            "name another with --base",
        ) from None


def _libc(kind: str, version: str) -> str:
    if kind != "glibc":
        return "unknown-linux-musl"
    minor = int(version.split(".")[1])
    return f"manylinux_2_{next((known for known in _GLIBC if known <= minor), _GLIBC[-1])}"
