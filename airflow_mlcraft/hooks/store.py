"""The store with the remote of a connection, which keeps the credentials of a bucket secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from airflow_mlcraft import settings
from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store


class StoreHook(BaseHook):
    """Opens the store of a connection of type `mlcraft_store`.

    The connection's host is the remote's URL, such as `s3://bucket/folder`; login and password are its key and secret;
    extra has more options of fsspec's file system, such as `{"endpoint_url": "https://…"}`.
    """

    conn_name_attr = "store_conn_id"
    default_conn_name = "mlcraft_store_default"
    conn_type = "mlcraft_store"
    hook_name = "MLcraft store"

    def __init__(self, store_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.store_conn_id = store_conn_id

    def get_conn(self) -> Store:
        """Open the store: its folder on this machine, and the connection's remote."""
        from airflow_mlcraft.store.store import Store

        connection = self.get_connection(self.store_conn_id)
        if not connection.host:
            raise MlcraftError(
                f"the connection {self.store_conn_id} has no host; expected the URL of the store's remote, "
                "as s3://bucket/folder"
            )
        options: dict[str, Any] = dict(connection.extra_dejson)
        if connection.login:
            options.setdefault("key", connection.login)
        if connection.password:
            options.setdefault("secret", connection.password)
        return Store(settings.get_path("store"), remote=connection.host, remote_options=options)

    def test_connection(self) -> tuple[bool, str]:
        """Add an empty object, and look it up."""
        try:
            store = self.get_conn()
            return store.add_bytes(b"") in store, "a file can be kept in the remote"
        except MlcraftError as error:
            return False, str(error)

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return the fields of the connection form."""
        return {
            "hidden_fields": ["schema", "port"],
            "relabeling": {"host": "Remote URL", "login": "Key", "password": "Secret", "extra": "fsspec options"},
            "placeholders": {"host": "s3://bucket/folder"},
        }
