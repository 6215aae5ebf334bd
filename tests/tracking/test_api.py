"""Credentials of a tracking server."""

from __future__ import annotations

from airflow_mlcraft.tracking.api import Credentials, dagshub


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
