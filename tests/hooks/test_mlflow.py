from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.hooks.mlflow import MlflowHook, open_tracking
from airflow_mlcraft.tracking.api import Credentials

pytestmark = pytest.mark.every_airflow


def connection(monkeypatch: pytest.MonkeyPatch, **fields: object) -> MlflowHook:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", json.dumps({"conn_type": "mlflow", **fields}))
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING_CONN_ID", "mine")
    return MlflowHook("mine")


def test_without_settings_a_database_in_airflows_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING_SPOOL", str(tmp_path / "spool"))
    tracking = open_tracking()
    assert tracking
    assert tracking.uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert (tracking.limit, tracking.wait, tracking.experiment) == (5, False, "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    tracking = open_tracking()
    assert tracking
    assert tracking.uri == "http://there:5000"


def test_tracking_can_be_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TRACKING", "never")
    assert open_tracking() is None


def test_a_task_in_a_pod_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", "True")
    tracking = open_tracking()
    assert tracking
    assert tracking.wait


@pytest.mark.parametrize(
    ("fields", "uri", "credentials"),
    [
        ({"host": "http://there:5000"}, "http://there:5000", None),
        ({"host": "there", "port": 5000, "schema": "https"}, "https://there:5000", None),
        ({"host": "http://there", "login": "me", "password": "s"}, "http://there", Credentials("me", "s")),
        ({"host": "http://there", "password": "s"}, "http://there", Credentials(token="s")),
        (
            {"password": "s", "extra": {"dagshub": "me/iris"}},
            "https://dagshub.com/me/iris.mlflow",
            Credentials("me", "s"),
        ),
    ],
)
def test_connections(
    monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], uri: str, credentials: Credentials | None
) -> None:
    connection(monkeypatch, **fields)
    tracking = open_tracking()
    assert tracking
    assert (tracking.uri, tracking.credentials) == (uri, credentials or Credentials.from_environment())


@pytest.mark.parametrize("fields", [{}, {"extra": {"dagshub": "iris"}}, {"extra": {"dagshub": "me/iris"}}])
def test_a_connection_that_lacks_something(monkeypatch: pytest.MonkeyPatch, fields: dict[str, object]) -> None:
    hook = connection(monkeypatch, **fields)
    with pytest.raises(MlcraftError, match="the connection mine has"):
        hook.get_conn()
    reached, why = hook.test_connection()
    assert not reached
    assert "mine" in why


@pytest.mark.parametrize(("name", "value"), [("TRACKING_LIMIT", "soon"), ("TRACKING_WAIT", "maybe")])
def test_a_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"AIRFLOW__MLCRAFT__{name}", value)
    with pytest.raises(MlcraftError, match=f"'{value}', expected"):
        open_tracking()
