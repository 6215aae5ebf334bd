"""The repository that versions data, from the settings or a connection of type `dvc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_mlcraft import settings
from airflow_mlcraft.errors import MlcraftError, VersioningError

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.version import LogFunction, Versioning


def open_versioning(folder: Path, log: LogFunction) -> Versioning:
    """Open the repository in the settings, or else the one that contains a document's folder."""
    from airflow_mlcraft.versioning.repository import find_repository
    from airflow_mlcraft.versioning.version import Versioning

    checkout = settings.get_bool("data_checkout")
    if connection := settings.get("data_conn_id"):
        return DvcHook(connection).open(checkout=checkout, log=log)
    if settings.get("data_repo"):
        return Versioning(find_repository(settings.get_path("data_repo")), checkout=checkout, log=log)
    try:
        return Versioning(find_repository(folder), checkout=checkout, log=log)
    except VersioningError as error:
        raise VersioningError(f"{error}; or name a repository with [mlcraft] data_repo") from None


def is_push_failure_fatal() -> bool:
    """Whether a task fails if the push of its data to the remote fails."""
    return settings.get_choice("push_failures") == "fail"


class DvcHook(BaseHook):
    """Versions data in the repository of a connection of type `dvc`.

    The connection's host is the folder of a repository on the workers, or the URL of a git repository, which is
    cloned, and to which commits are pushed with login and password. Extra has the name of the DVC remote, if not the
    default one, and its credentials, by the names of DVC's configuration:
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
        """Open the repository, with its remote."""
        return self.open(checkout=settings.get_bool("data_checkout"))

    def open(self, *, checkout: bool, log: LogFunction | None = None) -> Versioning:
        """Open the repository; `checkout` sets whether data is also checked out into its folder."""
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
        log_option: dict[str, Any] = {"log": log} if log else {}
        if "://" in address or address.startswith("git@"):
            origin = Origin(address, connection.login or "", connection.password or "")
            clone = open_clone(origin, settings.get_path("data_clones"))
            # Nobody works in this clone, so nothing is checked out.
            return Versioning(clone.repository, checkout=False, remote=remote, clone=clone, **log_option)
        return Versioning(find_repository(Path(address).expanduser()), checkout=checkout, remote=remote, **log_option)

    def test_connection(self) -> tuple[bool, str]:
        """Find the repository."""
        try:
            repository = self.get_conn().repository
        except MlcraftError as error:
            return False, str(error)
        return True, f"{repository.name} is a DVC repository"

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the fields of the connection form."""
        return {
            "hidden_fields": ["schema", "port"],
            "relabeling": {"host": "Repository", "login": "User", "password": "Password or token", "extra": "Remote"},
            "placeholders": {
                "host": "/projects/iris, or https://github.com/owner/iris.git",
                "extra": '{"remote": "bucket", "access_key_id": "…", "secret_access_key": "…"}',
            },
        }


def _repository_address(connection: Any) -> str:
    """Return the host, or a URL put together from the parts into which Airflow splits a URI."""
    host, path = connection.host or "", connection.schema or ""
    if not path or "/" in host:
        return str(host)
    return f"https://{host}{f':{connection.port}' if connection.port else ''}/{path}"
