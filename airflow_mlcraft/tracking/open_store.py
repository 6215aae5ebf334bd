"""Opening of the tracking store of a URI."""

from __future__ import annotations

from airflow_mlcraft.tracking.api import Api, Credentials


def is_server(uri: str) -> bool:
    """Whether a URI is an HTTP server; any other store needs mlflow itself."""
    return uri.startswith(("http://", "https://"))


def open_api(uri: str, credentials: Credentials, seconds: float = 10) -> Api:
    """Return the API of the store at a URI; `seconds` is the timeout of a request to a server."""
    if is_server(uri):
        from airflow_mlcraft.tracking.rest.api import RestApi
        from airflow_mlcraft.tracking.rest.http import Http

        return RestApi(Http(uri, credentials, seconds))
    from airflow_mlcraft.tracking.store_api import StoreApi

    return StoreApi(uri)
