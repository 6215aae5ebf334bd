"""The base image of a model's image: its Python version and platform, found by running it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

_INSPECT_SCRIPT = (
    "import json, platform, sys; print(json.dumps({'python': platform.python_version(), "
    "'machine': platform.machine(), 'libc': platform.libc_ver()}))"
)
_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_GLIBC = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)
"""The minor versions of glibc 2 that uv has platforms for."""


@dataclass(frozen=True)
class BaseImage:
    """An image with Python. `platform` is a platform of uv, such as x86_64-manylinux_2_28."""

    name: str
    id: str
    digest: str
    python: str
    platform: str

    @property
    def machine(self) -> str:
        return self.platform.partition("-")[0]


def inspect_base_image(client: DockerClient, name: str, progress: ProgressReporter) -> BaseImage:
    """Pull the image if it is not here, and run it to find its Python and platform."""
    from docker.errors import ContainerError, ImageNotFound

    try:
        image = client.images.get(name)
    except ImageNotFound:
        progress.start(f"Pulling {name}")
        image = _pull_image(client, name)
    try:
        output = client.containers.run(
            image, ["-c", _INSPECT_SCRIPT], entrypoint="python", remove=True, network_disabled=True, read_only=True
        )
        facts = json.loads(output)
        machine, python = _MACHINES[facts["machine"].lower()], str(facts["python"])
    except (ContainerError, ValueError, KeyError) as error:
        raise DeployingError(f"the base image {name} cannot be used: it says {error}", _REMEDY) from None
    except Exception as error:
        if "executable file not found" in str(error):
            raise DeployingError(f"the base image {name} has no command `python`", _REMEDY) from None
        raise
    digests = image.attrs.get("RepoDigests") or []
    digest = digests[0].partition("@")[2] if digests else ""
    return BaseImage(name, str(image.id), digest, python, f"{machine}-{_to_platform_libc(*facts['libc'])}")


_REMEDY = "name one with Python, such as python:3.13-slim"


def _pull_image(client: DockerClient, name: str) -> Image:
    from docker.errors import APIError

    try:
        return client.images.pull(name)
    except APIError as error:
        raise DeployingError(
            f"the base image {name} is not here and cannot be pulled ({error.explanation or error})",
            "name another with --base",
        ) from None


def _to_platform_libc(kind: str, version: str) -> str:
    if kind != "glibc":
        return "unknown-linux-musl"
    minor = int(version.split(".")[1])
    return f"manylinux_2_{next((known for known in _GLIBC if known <= minor), _GLIBC[-1])}"
