"""The Docker engine, found as Docker's own command finds it: DOCKER_HOST, or this machine's socket."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_mlcraft.deploying.failures import DeployingError

if TYPE_CHECKING:
    from docker import DockerClient

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
