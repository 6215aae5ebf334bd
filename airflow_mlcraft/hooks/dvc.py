"""The repository that versions data, from the settings or a connection of type `dvc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_mlcraft import settings
from airflow_mlcraft.errors import MlcraftError, VersioningError

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.version import Say, Versioning


def open_versioning(folder: Path, say: Say) -> Versioning:
    """The repository that the settings name, or else the one that a document's folder is in."""
    from airflow_mlcraft.versioning.repository import find_repository
    from airflow_mlcraft.versioning.version import Versioning

    checkout = settings.get_bool("data_checkout")
    if connection := settings.get("data_conn_id"):
        return DvcHook(connection).open(checkout=checkout, say=say)
    if settings.get("data_repo"):
        return Versioning(find_repository(settings.get_path("data_repo")), checkout=checkout, say=say)
    try:
        return Versioning(find_repository(folder), checkout=checkout, say=say)
    except VersioningError as error:
        raise VersioningError(f"{error}; or name a repository with [mlcraft] data_repo") from None


def push_failures_fail() -> bool:
    """Whether a task fails when a remote refuses its data."""
    return settings.get_choice("push_failures") == "fail"


class DvcHook(BaseHook):
    """Versions data in the repository of a connection of type `dvc`.

    The connection's host is the folder of a repository on the workers, or the URL of a git repository, which is then
    cloned, and gets the commits; login and password are those of that URL. Extra names the DVC remote, if not the
    default one, and has what opens it, by the names that DVC's configuration has for it:
    `{"remote": "bucket", "access_key_id": "…", "secret_access_key": "…", "endpointurl": "https://…"}`.
    """

    conn_name_attr = "dvc_conn_id"
    default_conn_name = "dvc_default"
    conn_type = "dvc"
    hook_name = "DVC"

    def __init__(self, dvc_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.dvc_conn_id = dvc_conn_id

    def get_conn(self) -> Versioning:
        """The repository, with its remote."""
        return self.open(checkout=settings.get_bool("data_checkout"))

    def open(self, *, checkout: bool, say: Say | None = None) -> Versioning:
        """The same, with what is done with data besides the commit."""
        from airflow_mlcraft.versioning.clone import Origin, open_clone
        from airflow_mlcraft.versioning.push import Remote
        from airflow_mlcraft.versioning.repository import find_repository
        from airflow_mlcraft.versioning.version import Versioning

        connection = self.get_connection(self.dvc_conn_id)
        address = _repository_address(connection)
        if not address:
            raise MlcraftError(
                f"the connection {self.dvc_conn_id} has no host; expected the folder of a repository, or the URL of one"
            )
        options: dict[str, Any] = dict(connection.extra_dejson)
        remote = Remote(str(options.pop("remote", "")), options)
        more: dict[str, Any] = {"say": say} if say else {}
        if "://" in address or address.startswith("git@"):
            origin = Origin(address, connection.login or "", connection.password or "")
            clone = open_clone(origin, settings.get_path("data_clones"))
            # Nobody works in a clone of ours.
            return Versioning(clone.repository, checkout=False, remote=remote, clone=clone, **more)
        return Versioning(find_repository(Path(address).expanduser()), checkout=checkout, remote=remote, **more)

    def test_connection(self) -> tuple[bool, str]:
        """Look for the repository."""
        try:
            repository = self.get_conn().repository
        except MlcraftError as error:
            return False, str(error)
        return True, f"{repository.name} is a DVC repository"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The form of the connection."""
        return {
            "hidden_fields": ["schema", "port"],
            "relabeling": {"host": "Repository", "login": "User", "password": "Password or token", "extra": "Remote"},
            "placeholders": {
                "host": "/projects/iris, or https://github.com/owner/iris.git",
                "extra": '{"remote": "bucket", "access_key_id": "…", "secret_access_key": "…"}',
            },
        }


def _repository_address(connection: Any) -> str:
    """The host as it is, or made a URL of: Airflow takes a URI apart."""
    host, path = connection.host or "", connection.schema or ""
    if not path or "/" in host:
        return str(host)
    return f"https://{host}{f':{connection.port}' if connection.port else ''}/{path}"
