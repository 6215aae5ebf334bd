"""Tests of a store with a remote: objects that one worker adds can be read by another."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import fsspec
import pytest

from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.store import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["file", "memory"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file://{tmp_path}/the remote"
    return f"memory://{tmp_path.name}/prefix"


def test_kept_here_read_there(remote: str, tmp_path: Path) -> None:
    here, there = (Store(tmp_path / name, remote=remote) for name in ("here", "there"))
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "a").write_bytes(b"a" * 2000)
    (tmp_path / "d" / "e" / "ž %#").write_bytes(b"b")
    file, tree, data = (
        here.add_file(tmp_path / "d" / "a"),
        here.add_folder(tmp_path / "d"),
        here.add_bytes(b""),
    )
    for oid in (file, tree, data):
        assert oid in there
        assert there.path_of(oid).read_bytes() == here.path_of(oid).read_bytes()
        assert there.path_of(oid).stat().st_mode & 0o777 == 0o444
    there.checkout(tree, tmp_path / "out")
    assert (tmp_path / "out" / "e" / "ž %#").read_bytes() == b"b"
    assert not list((there.root / "tmp").iterdir())


def test_the_layout_is_dvcs_own(remote: str, tmp_path: Path) -> None:
    oid = Store(tmp_path / "here", remote=remote).add_bytes(b"hello")
    files, base = fsspec.core.url_to_fs(remote)
    assert files.find(base) == [f"{base}/files/md5/{oid[:2]}/{oid[2:]}"]


def test_what_is_there_is_not_sent_again_unless_damaged(remote: str, tmp_path: Path) -> None:
    oid = Store(tmp_path / "here", remote=remote).add_bytes(b"hello")
    files, base = fsspec.core.url_to_fs(remote)
    path = f"{base}/files/md5/{oid[:2]}/{oid[2:]}"
    files.pipe_file(path, b"jello")
    Store(tmp_path / "here", remote=remote).add_bytes(b"hello")
    assert files.cat_file(path) == b"jello"
    with pytest.raises(StoreError, match="damaged"):
        Store(tmp_path / "there", remote=remote).path_of(oid)
    assert not list((tmp_path / "there" / "tmp").iterdir())
    files.pipe_file(path, b"he")
    Store(tmp_path / "here", remote=remote).add_bytes(b"hello")
    assert files.cat_file(path) == b"hello"


def test_nowhere(remote: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "here", remote=remote)
    oid = hashlib.md5(b"never", usedforsecurity=False).hexdigest()
    assert oid not in store
    with pytest.raises(StoreError, match=f"neither in the store at .* nor at {remote}"):
        store.path_of(oid)


def test_a_remote_that_cannot_be(tmp_path: Path) -> None:
    store = Store(tmp_path / "here", remote="nosuch://user:secret@place")
    with pytest.raises(StoreError, match="at nosuch://place") as raised:
        store.add_bytes(b"x")
    assert "secret" not in str(raised.value)


def test_a_remote_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_bytes(b"")
    store = Store(tmp_path / "here", remote=f"file://{tmp_path}/in-the-way/remote")
    with pytest.raises(StoreError, match=r"Cannot put .* at file://"):
        store.add_bytes(b"x")
