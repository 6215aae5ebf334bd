"""Who we are to a server, and what is said when it is none."""

from __future__ import annotations

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.api import UnreachableError
from airflow_mlcraft.tracking.rest.connection import Credentials, dagshub
from airflow_mlcraft.tracking.rest.http import Http
from tests.tracking.server import Server


def test_credentials_are_those_that_mlflow_would_use() -> None:
    environment = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "secret", "OTHER": "x"}
    found = Credentials.from_environment(environment)
    assert found.header() == {"Authorization": "Basic bWU6c2VjcmV0"}
    assert found.environment().items() < environment.items()
    assert "secret" not in repr(found)
    token = Credentials.from_environment({"MLFLOW_TRACKING_TOKEN": "abc"})
    assert token.header() == {"Authorization": "Bearer abc"}
    assert "abc" not in repr(token)
    assert Credentials().header() == {}


def test_a_dagshub_repository() -> None:
    uri, credentials = dagshub("owner", "iris", "abc")
    assert uri == "https://dagshub.com/owner/iris.mlflow"
    assert credentials == Credentials(user="owner", password="abc")


def test_no_password_is_said() -> None:
    with pytest.raises(UnreachableError) as said:
        Http("http://me:secret@127.0.0.1:9", Credentials()).get("/")
    assert "secret" not in str(said.value)


def test_an_address_that_is_none() -> None:
    with pytest.raises(MlcraftError, match=r"'ftp://host' is no tracking server.*expected"):
        Http("ftp://host", Credentials())


def test_a_server_that_is_no_tracking_server(server: Server) -> None:
    with pytest.raises(UnreachableError, match="address may be wrong"):
        Http(server.uri, Credentials()).get("/health")
