"""Fixtures: an MLflow server for the session, a SQLite store, and tracking clients with spools in the test's folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName
from tests.tracking.server import Proxy, Server

ENOUGH = 120.0


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


@pytest.fixture(params=["server", "database"])
def uri(request: pytest.FixtureRequest) -> str:
    """Both kinds of store."""
    found = request.getfixturevalue(request.param)
    return found.uri if isinstance(found, Server) else found


@pytest.fixture
def tracking(uri: str, tmp_path: Path) -> TrackingClient:
    return TrackingClient(uri, spool=tmp_path / "spool", limit=ENOUGH, linger=1)


@pytest.fixture
def server_tracking(server: Server, tmp_path: Path) -> TrackingClient:
    return TrackingClient(server.uri, spool=tmp_path / "spool", limit=ENOUGH, linger=1)


@pytest.fixture
def run_name() -> DagRunName:
    """A DAG run with a unique name."""
    return DagRunName(f"dag_{uuid4().hex[:8]}", "manual__1")


def wait_until(condition: Callable[[], object], seconds: float = ENOUGH) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
