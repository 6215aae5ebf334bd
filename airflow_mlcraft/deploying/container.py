"""The Docker engine, found as Docker's own command finds it: DOCKER_HOST, or this machine's socket."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.errors import DeployingError, Watch

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


_SECONDS = 120


@contextlib.contextmanager
def engine() -> Iterator[DockerClient]:
    """A client of the engine; where none answers, a sentence."""
    import docker
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        client = docker.from_env(timeout=_SECONDS)
        client.ping()
    except DockerException as error:
        raise DeployingError(
            f"no Docker engine answers ({_first_line(error)})",
            "start Docker, or name a running engine with DOCKER_HOST",
        ) from None
    try:
        yield client
    except APIError as error:
        raise DeployingError(f"Docker refuses: {error.explanation or error}") from error
    except DockerException as error:
        raise DeployingError(f"Docker: {_first_line(error)}") from error
    except RequestException as error:
        raise DeployingError(f"the Docker engine has gone: {_first_line(error)}") from error
    finally:
        client.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


PORT = 8000
PROJECT = "mlcraft.project"
_LOOK = 0.25
_MOMENT = 2.0
_CHECK = 2_000_000_000
_START = 120.0
_LINES, _SHOWN = 50, 3
_PORT_TAKEN = re.compile("address already in use|port is already allocated|permission denied")


@dataclass(frozen=True)
class Running:
    """A container that answers."""

    name: str
    id: str
    url: str


def tried(client: DockerClient, image: str, watch: Watch, seconds: float = _START) -> None:
    """Start the image without any network, and have it predict its own example; nothing of this stays."""
    name = f"mlcraft-try-{secrets.token_hex(6)}"
    try:
        container = _create(client, image, name, network_disabled=True)
        container.start()
        _wait_healthy(container, watch, seconds)
        code, said = container.exec_run(["python", "-m", "airflow_mlcraft.serving.probe", "--predict"])
        if code:
            raise DeployingError(f"the image was built, but does not predict: {_text(said)}")
    finally:
        _remove(client, name)


def run(
    client: DockerClient,
    image: str,
    name: str,
    watch: Watch,
    *,
    project: str,
    host: str = "127.0.0.1",
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = _START,
) -> Running:
    """Start the image and wait until it is healthy. One of the same name ends first, and is back if this one fails."""
    from docker.errors import APIError

    before = _named(client, name, project)
    if before is not None:
        watch.say(f"Stopping the container {name} of before")
        before.stop()
        before.rename(f"{name}-before")
    try:
        container = _create(
            client,
            image,
            name,
            ports={f"{PORT}/tcp": (host, port)},
            environment=dict(environment or {}),
            restart_policy={"Name": "unless-stopped"},
        )
        watch.say(f"Starting the container {name}")
        container.start()
        _wait_healthy(container, watch, seconds)
    except BaseException as error:
        _remove(client, name)
        if before is not None:
            before.rename(name)
            before.start()
        if isinstance(error, APIError) and _PORT_TAKEN.search(str(error.explanation)):
            raise DeployingError(f"port {port} of {host} cannot be had", "name another with --port") from None
        raise
    if before is not None:
        before.remove(force=True, v=True)
    container.reload()
    published = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
    return Running(name, str(container.id), f"http://{_host_of(client, host)}:{published}")


def _create(client: DockerClient, image: str, name: str, **more: Any) -> Container:
    return client.containers.create(
        image,
        name=name,
        detach=True,
        read_only=True,
        tmpfs={"/tmp": "size=256m,mode=1777"},  # noqa: S108 - of the container
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        healthcheck={"interval": _CHECK},
        **more,
    )


def _remove(client: DockerClient, name: str) -> None:
    """Who is interrupted while a container is made does not know whether it was: it may come a moment later."""
    from docker.errors import NotFound

    deadline = time.monotonic() + _MOMENT
    while time.monotonic() < deadline:
        with contextlib.suppress(NotFound):
            client.containers.get(name).remove(force=True, v=True)
            return
        time.sleep(_LOOK)


def _wait_healthy(container: Container, watch: Watch, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        container.reload()
        state = container.attrs["State"]
        if state["Status"] in ("exited", "dead"):
            raise DeployingError(f"the container ended at once (exit code {state['ExitCode']}): {_last(container)}")
        health = state.get("Health", {}).get("Status")
        if health == "healthy":
            return
        if health == "unhealthy":
            raise DeployingError(f"the container is not healthy: {_last(container)}")
        time.sleep(_LOOK)
    raise DeployingError(f"the container was not healthy within {seconds:g} s: {_last(container)}")


def _last(container: Container) -> str:
    """What it said last, in its own words where it has any."""
    lines = container.logs(tail=_LINES).decode(errors="replace").splitlines()
    said = [line.removeprefix("mlcraft serving: ") for line in lines if line.startswith("mlcraft serving: ")]
    return said[-1] if said else " | ".join(lines[-_SHOWN:]) or "it said nothing"


def _text(said: bytes | Iterator[bytes]) -> str:
    return b"".join([said] if isinstance(said, bytes) else said).decode(errors="replace").strip()


def _named(client: DockerClient, name: str, project: str) -> Container | None:
    """The container of that name, if it is this project's."""
    from docker.errors import NotFound

    try:
        found = client.containers.get(name)
    except NotFound:
        return None
    if found.labels.get(PROJECT) != project:
        raise DeployingError(f"there is a container {name!r} that is not of {project}", "rename or remove it")
    return found


def _host_of(client: DockerClient, host: str) -> str:
    """Where a published port is: here, or where a remote engine is."""
    from urllib.parse import urlsplit

    place = urlsplit(str(client.api.base_url))
    if place.scheme.startswith("http") and place.hostname not in ("localhost", "localunixsocket", None):
        return str(place.hostname)
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
