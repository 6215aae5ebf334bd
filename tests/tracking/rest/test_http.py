"""Errors of requests to a tracking server, and to addresses of none."""

from __future__ import annotations

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.api import Credentials, UnreachableError
from airflow_mlcraft.tracking.rest.http import Http
from tests.tracking.server import Server


def test_no_password_in_an_error() -> None:
    with pytest.raises(UnreachableError) as raised:
        Http("http://me:secret@127.0.0.1:9", Credentials()).get("/")
    assert "secret" not in str(raised.value)


def test_an_address_that_is_none() -> None:
    with pytest.raises(MlcraftError, match=r"'ftp://host' is no tracking server.*expected"):
        Http("ftp://host", Credentials())


def test_a_server_that_is_no_tracking_server(server: Server) -> None:
    with pytest.raises(UnreachableError, match="address may be wrong"):
        Http(server.uri, Credentials()).get("/health")
