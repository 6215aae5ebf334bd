"""Tests of downloads of input files into a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_mlcraft.common.network_access import AddressRules
from airflow_mlcraft.errors import MlcraftError, RefusedError, StoreError, UnsafeNameError
from airflow_mlcraft.store.download import download_value
from tests.steps.sources.file_server import FileServer


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def download(url: str, folder: Path, rules: AddressRules | None = None, **more: Any) -> Path:
    value = download_value({"class": "File", "location": url, **more}, folder, lambda *_: None, rules)
    return Path(value["location"].removeprefix("file://"))


def test_a_file_of_the_web(files: FileServer, tmp_path: Path) -> None:
    path = download(files.url(), tmp_path)
    assert path.read_bytes() == files.content
    assert path.name == "data.csv"


def test_a_name_leads_nowhere(files: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for basename in ("..", "../x"):
        with pytest.raises(UnsafeNameError):
            download(files.url(), tmp_path / "a", basename=basename)
    for path in ("/file/%2e%2e", "/file/..%2fx"):
        with pytest.raises(MlcraftError):
            download(files.url(path), tmp_path / "a")
    assert not (tmp_path / "x").exists()


def test_a_redirect_is_followed(files: FileServer, tmp_path: Path) -> None:
    with FileServer(content=b"other") as other:
        files.redirect = other.url()
        assert download(files.url(), tmp_path).read_bytes() == b"other"


def test_a_redirect_to_a_private_address_is_not(files: FileServer, tmp_path: Path) -> None:
    with FileServer() as other:
        files.redirect = f"http://localhost:{other.port}/file/data.csv"
        with pytest.raises(RefusedError, match=r"localhost"):
            download(files.url(), tmp_path, AddressRules(trusted=("127.0.0.1",)))
        assert not other.requests


def test_an_address_that_turns_out_to_be_private(files: FileServer, tmp_path: Path) -> None:
    """The rules are checked for the address of the connection, not for an earlier resolution of the name."""
    with pytest.raises(RefusedError, match="not a public one"):
        download(f"http://localhost:{files.port}/file/data.csv", tmp_path, AddressRules())
    assert not files.requests


def test_a_private_address_behind_a_name_that_is_not_ascii(files: FileServer) -> None:
    """httpx connects to a normalized spelling of such a name."""
    address = f"http://127。0。0。1:{files.port}/file/data.csv"
    with httpx.Client() as client:
        extensions = {"trace": AddressRules().trace(address)}
        with pytest.raises(RefusedError, match="not a public one"):
            client.get(address, extensions=extensions)
        assert not files.requests
        known = {"trace": AddressRules(trusted=("127。0。0。1",)).trace(address)}
        assert client.get(address, extensions=known).content == files.content


def test_a_proxy_of_the_worker_may_have_a_private_address(
    files: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It resolves the names of the hosts behind it; asked for itself, it is refused like any other."""
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{files.port}")
    source = "http://nowhere.invalid/file/data.csv"
    assert download(source, tmp_path, AddressRules()).read_bytes() == files.content
    assert files.requests[-1].path == source
    with pytest.raises(RefusedError, match="not a public one"):
        download(files.url(), tmp_path, AddressRules())
    assert len(files.requests) == 1


def test_a_missing_file(files: FileServer, tmp_path: Path) -> None:
    files.statuses = [(404, {})]
    with pytest.raises(StoreError, match="404"):
        download(files.url(), tmp_path)
    with pytest.raises(StoreError, match="could not be fetched"):
        download("http://127.0.0.1:1/x", tmp_path)
