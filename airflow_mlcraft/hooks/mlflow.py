"""The tracking client, from the settings or a connection of type `mlflow`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_mlcraft import settings
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.api import Credentials, dagshub
from airflow_mlcraft.tracking.client import TrackingClient

if TYPE_CHECKING:
    from airflow_mlcraft.tracking.api import Api


def open_tracking() -> TrackingClient | None:
    """Create the tracking client by the settings; None if runs are not tracked."""
    if settings.get_choice("tracking") == "never":
        return None
    if connection := settings.get("tracking_conn_id"):
        return MlflowHook(connection).get_conn()
    return _create_tracking(
        settings.get("tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI") or _embedded_uri(), None
    )


def open_tracked_store() -> Api:
    """Open the tracking store for reading, after all is sent; raises MlcraftError if nothing was tracked."""
    tracking = open_tracking()
    if tracking is None:
        raise MlcraftError("[mlcraft] tracking is never: no runs are tracked")
    prefix = "sqlite:///"
    if tracking.uri.startswith(prefix) and not Path(tracking.uri[len(prefix) :]).is_file():
        raise MlcraftError(
            f"there is no {tracking.uri[len(prefix) :]}: nothing has been tracked in the Airflow home "
            f"{os.environ.get('AIRFLOW_HOME') or '~/airflow'}; AIRFLOW_HOME and tracking_uri say where to look"
        )
    tracking.flush()
    return tracking.api()


class MlflowHook(BaseHook):
    """Tracks runs in the store of a connection of type `mlflow`.

    The connection's host is the URI of a tracking server, or of another store such as `sqlite:////folder/mlflow.db`;
    login and password are those of the server; a password without login is a token. For DagsHub, extra is
    `{"dagshub": "owner/repository"}`, and the password is a DagsHub token.
    """

    conn_name_attr = "mlflow_conn_id"
    default_conn_name = "mlflow_default"
    conn_type = "mlflow"
    hook_name = "MLflow"

    def __init__(self, mlflow_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.mlflow_conn_id = mlflow_conn_id

    def get_conn(self) -> TrackingClient:
        """Create the tracking client of the connection."""
        connection = self.get_connection(self.mlflow_conn_id)
        login, password = connection.login or "", connection.password or ""
        if repository := connection.extra_dejson.get("dagshub"):
            owner, slash, name = str(repository).partition("/")
            if not slash or not password:
                raise MlcraftError(
                    f'the connection {self.mlflow_conn_id} has {{"dagshub": "{repository}"}}; expected owner/repository'
                    " there, and a token as the password"
                )
            return _create_tracking(*dagshub(owner, name, password))
        if not connection.host:
            raise MlcraftError(
                f"the connection {self.mlflow_conn_id} has no host; expected the address of a tracking server, "
                "as http://mlflow.example:5000"
            )
        credentials = Credentials(login, password) if login else Credentials(token=password)
        return _create_tracking(_tracking_uri(connection), credentials if password else None)

    def test_connection(self) -> tuple[bool, str]:
        """Get the default experiment, which every store has."""
        try:
            self.get_conn().api().get_or_create_experiment("Default")
        except MlcraftError as error:
            return False, str(error)
        return True, "the tracking store answers"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the fields of the connection form."""
        return {
            "hidden_fields": ["schema"],
            "relabeling": {"host": "Tracking URI", "login": "User", "password": "Password or token"},
            "placeholders": {"host": "http://localhost:5000", "extra": '{"dagshub": "owner/repository"}'},
        }


def _create_tracking(uri: str, credentials: Credentials | None) -> TrackingClient:
    return TrackingClient(
        uri,
        spool=settings.get_path("tracking_spool"),
        experiment=settings.get("tracking_experiment"),
        limit=settings.get_seconds("tracking_limit"),
        wait=_should_wait(settings.get_choice("tracking_wait")),
        linger=settings.get_seconds("tracking_linger"),
        credentials=credentials,
    )


def _tracking_uri(connection: Any) -> str:
    """Return the host, or a URI put together from the parts into which Airflow splits it."""
    if ":" in connection.host:
        return str(connection.host)
    scheme = connection.schema or "http"
    return f"{scheme}://{connection.host}{f':{connection.port}' if connection.port else ''}"


def _embedded_uri() -> str:
    return f"sqlite:///{settings.get_path('tracking_spool').absolute().parent / 'mlflow.db'}"


def _should_wait(text: str) -> bool:
    """Whether a task waits until its runs are sent: with `auto` only in a pod, whose disk is deleted with it."""
    return text == "always" or (text == "auto" and bool(os.environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD")))
