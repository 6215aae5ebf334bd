"""The store that an address names."""

from __future__ import annotations

from airflow_mlcraft.tracking.api import Api
from airflow_mlcraft.tracking.rest.connection import Credentials


def is_server(uri: str) -> bool:
    """Whether an address is asked by http; any other store needs mlflow itself."""
    return uri.startswith(("http://", "https://"))


def open_api(uri: str, credentials: Credentials, seconds: float = 10) -> Api:
    """The store behind an address; an answer of a server may take so many seconds."""
    if is_server(uri):
        from airflow_mlcraft.tracking.rest.api import RestApi
        from airflow_mlcraft.tracking.rest.http import Http

        return RestApi(Http(uri, credentials, seconds))
    from airflow_mlcraft.tracking.store_api import StoreApi

    return StoreApi(uri)
