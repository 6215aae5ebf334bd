"""The Docker client, and containers of a model's image: a smoke test, and a run with health check and roll-back."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.deploying.errors import DeployingError, ProgressReporter
from airflow_mlcraft.errors import first_line

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

PORT = 8000
PROJECT = "mlcraft.project"
_POLL_INTERVAL = 0.25
_REMOVE_SECONDS = 2.0
_HEALTHCHECK_INTERVAL = 2_000_000_000
_START_SECONDS = 120.0
_LOG_LINES, _SHOWN_LINES = 50, 3
_PORT_TAKEN = re.compile("address already in use|port is already allocated|permission denied")
_CLIENT_SECONDS = 120


@contextlib.contextmanager
def docker_client() -> Iterator[DockerClient]:
    """A client of the engine of DOCKER_HOST or the local socket. Errors of Docker become DeployingErrors."""
    import docker
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        client = docker.from_env(timeout=_CLIENT_SECONDS)
        client.ping()
    except DockerException as error:
        raise DeployingError(
            f"no Docker engine answers ({first_line(error)})",
            "start Docker, or name a running engine with DOCKER_HOST",
        ) from None
    try:
        yield client
    except APIError as error:
        raise DeployingError(f"Docker refuses: {error.explanation or error}") from error
    except DockerException as error:
        raise DeployingError(f"Docker: {first_line(error)}") from error
    except RequestException as error:
        raise DeployingError(f"the Docker engine has gone: {first_line(error)}") from error
    finally:
        client.close()


@dataclass(frozen=True)
class RunningContainer:
    """A container that is healthy."""

    name: str
    id: str
    url: str


def smoke_test(client: DockerClient, image: str, progress: ProgressReporter, seconds: float = _START_SECONDS) -> None:
    """Predict the model's example in a temporary container without network; raises DeployingError on failure."""
    name = f"mlcraft-try-{secrets.token_hex(6)}"
    try:
        container = _create(client, image, name, network_disabled=True)
        container.start()
        _wait_healthy(container, progress, seconds)
        code, messages = container.exec_run(["python", "-m", "airflow_mlcraft.serving.probe", "--predict"])
        if code:
            raise DeployingError(f"the image was built, but does not predict: {_to_text(messages)}")
    finally:
        _remove(client, name)


def run_container(
    client: DockerClient,
    image: str,
    name: str,
    progress: ProgressReporter,
    *,
    project: str,
    host: str = "127.0.0.1",
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = _START_SECONDS,
) -> RunningContainer:
    """Start a container and wait until it is healthy.

    It replaces a container of the same name, which is restored if the new one fails.
    """
    from docker.errors import APIError

    previous = _find_container(client, name, project)
    if previous is not None:
        progress.start(f"Stopping the container {name} of before")
        previous.stop()
        previous.rename(f"{name}-before")
    try:
        container = _create(
            client,
            image,
            name,
            ports={f"{PORT}/tcp": (host, port)},
            environment=dict(environment or {}),
            restart_policy={"Name": "unless-stopped"},
        )
        progress.start(f"Starting the container {name}")
        container.start()
        _wait_healthy(container, progress, seconds)
    except BaseException as error:
        _remove(client, name)
        if previous is not None:
            previous.rename(name)
            previous.start()
        if isinstance(error, APIError) and _PORT_TAKEN.search(str(error.explanation)):
            raise DeployingError(f"port {port} of {host} cannot be had", "name another with --port") from None
        raise
    if previous is not None:
        previous.remove(force=True, v=True)
    container.reload()
    published = container.attrs["NetworkSettings"]["Ports"][f"{PORT}/tcp"][0]["HostPort"]
    return RunningContainer(name, str(container.id), f"http://{_get_published_host(client, host)}:{published}")


def _create(client: DockerClient, image: str, name: str, **options: Any) -> Container:
    return client.containers.create(
        image,
        name=name,
        detach=True,
        read_only=True,
        tmpfs={"/tmp": "size=256m,mode=1777"},  # noqa: S108 - of the container
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        healthcheck={"interval": _HEALTHCHECK_INTERVAL},
        **options,
    )


def _remove(client: DockerClient, name: str) -> None:
    """Remove a container; it is looked for repeatedly, since an interrupted creation may still complete."""
    from docker.errors import NotFound

    deadline = time.monotonic() + _REMOVE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(NotFound):
            client.containers.get(name).remove(force=True, v=True)
            return
        time.sleep(_POLL_INTERVAL)


def _wait_healthy(container: Container, progress: ProgressReporter, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        container.reload()
        state = container.attrs["State"]
        if state["Status"] in ("exited", "dead"):
            raise DeployingError(
                f"the container ended at once (exit code {state['ExitCode']}): {_get_last_message(container)}"
            )
        health = state.get("Health", {}).get("Status")
        if health == "healthy":
            return
        if health == "unhealthy":
            raise DeployingError(f"the container is not healthy: {_get_last_message(container)}")
        time.sleep(_POLL_INTERVAL)
    raise DeployingError(f"the container was not healthy within {seconds:g} s: {_get_last_message(container)}")


def _get_last_message(container: Container) -> str:
    """The server's last error message, or else the last lines of the container's log."""
    lines = container.logs(tail=_LOG_LINES).decode(errors="replace").splitlines()
    messages = [line.removeprefix("mlcraft serving: ") for line in lines if line.startswith("mlcraft serving: ")]
    return messages[-1] if messages else " | ".join(lines[-_SHOWN_LINES:]) or "it said nothing"


def _to_text(messages: bytes | Iterator[bytes]) -> str:
    return b"".join([messages] if isinstance(messages, bytes) else messages).decode(errors="replace").strip()


def _find_container(client: DockerClient, name: str, project: str) -> Container | None:
    """The container with this name; raises DeployingError if it is not one of the project."""
    from docker.errors import NotFound

    try:
        found = client.containers.get(name)
    except NotFound:
        return None
    if found.labels.get(PROJECT) != project:
        raise DeployingError(f"there is a container {name!r} that is not of {project}", "rename or remove it")
    return found


def _get_published_host(client: DockerClient, host: str) -> str:
    """The host of a published port: this machine, or the one of a remote engine."""
    from urllib.parse import urlsplit

    address = urlsplit(str(client.api.base_url))
    if address.scheme.startswith("http") and address.hostname not in ("localhost", "localunixsocket", None):
        return str(address.hostname)
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
