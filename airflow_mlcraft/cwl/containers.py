"""Whether a tool runs in a container, in which engine, and how its container is ended."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cwltool.process import Process

from airflow_mlcraft.cwl.tool_log import LogLine
from airflow_mlcraft.errors import UnsupportedError


@dataclass(frozen=True)
class Containers:
    """Options of tools that name a container."""

    use: Literal["auto", "always", "never"] = "auto"
    """With "auto", tools run in containers if an engine is available; one with a mere hint runs without one otherwise.
    """
    pull: bool = True
    network: str = ""
    engine: Literal["docker", "podman"] = "docker"

    @property
    def podman(self) -> bool:
        """Whether the engine is Podman's command rather than Docker's."""
        return self.engine == "podman"


def get_image(process: Process) -> str:
    """The image that a tool names, or None."""
    docker, _ = process.get_requirement("DockerRequirement")
    return str((docker or {}).get("dockerImageId") or (docker or {}).get("dockerPull") or "")


def uses_container(process: Process, containers: Containers, log: LogLine) -> bool:
    """Whether a tool runs in a container here. Raises `UnsupportedError` if it requires one and there is no engine."""
    docker, required = process.get_requirement("DockerRequirement")
    if docker is None or process.tool["class"] != "CommandLineTool":
        return False
    image = get_image(process)
    if containers.use == "never":
        if required:
            raise UnsupportedError(f"the tool requires the container {image}, and containers are switched off")
        return False
    missing = _missing_engine(containers)
    if not missing:
        return True
    if required or containers.use == "always":
        raise UnsupportedError(f"the tool requires the container {image}, and {missing}")
    log(logging.WARNING, f"the tool would run in the container {image}, but {missing}; running it without one")
    return False


def _missing_engine(containers: Containers) -> str:
    """The reason why there is no container engine; empty if there is one."""
    if not shutil.which(containers.engine):
        return f"there is no {containers.engine} command on the PATH"
    if containers.podman:
        return ""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=10)
    except DockerException as error:
        return f"no Docker engine answers ({error}); start one, or set DOCKER_HOST"
    try:
        client.ping()
    except (DockerException, OSError) as error:
        return f"no Docker engine answers at {client.api.base_url} ({error}); start one, or set DOCKER_HOST"
    finally:
        client.close()
    return ""


_CIDFILE = "--cidfile="
# The time limit for the engine's response; the engine continues after it.
_KILL_TIMEOUT = 10.0


def kill_container_of(command: Sequence[object]) -> None:
    """Kill the container that a command line has started, if any."""
    words = [str(word) for word in command]
    for word in words:
        if word.startswith(_CIDFILE):
            kill_container(Path(word.removeprefix(_CIDFILE)), words[0])


def kill_container(cidfile: Path, engine: str) -> None:
    """Kill the container whose id is in a file; does nothing if it has ended, or has not started."""
    try:
        container = cidfile.read_text().strip()
    except OSError:
        return
    if container:
        kill = [engine, "kill", container]
        subprocess.run(kill, timeout=_KILL_TIMEOUT, check=False, capture_output=True)  # noqa: S603
