from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.hooks.store import StoreHook
from airflow_mlcraft.operators.task_files import open_store

pytestmark = pytest.mark.every_airflow


@pytest.fixture(autouse=True)
def local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__STORE", str(tmp_path / "here"))


def test_what_is_kept_is_in_the_remote_of_the_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", f'{{"conn_type": "mlcraft_store", "host": "file://{tmp_path}/there"}}')
    monkeypatch.setenv("AIRFLOW__MLCRAFT__STORE_CONN_ID", "mine")
    oid = open_store().add_bytes(b"hello")
    assert (tmp_path / "there" / "files" / "md5" / oid[:2] / oid[2:]).read_bytes() == b"hello"
    assert StoreHook("mine").test_connection()[0]


def test_a_connection_without_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", '{"conn_type": "mlcraft_store"}')
    with pytest.raises(MlcraftError, match="the connection mine has no host"):
        StoreHook("mine").get_conn()


def test_key_and_secret_open_the_remote(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_MINE",
        '{"conn_type": "mlcraft_store", "host": "s3://bucket", "login": "k", "password": "s", '
        '"extra": {"endpoint_url": "http://127.0.0.1:9"}}',
    )
    store = StoreHook("mine").get_conn()
    assert "s" not in repr(store).split("s3://bucket", 1)[-1]
    reached, why = StoreHook("mine").test_connection()
    assert not reached
    assert why
