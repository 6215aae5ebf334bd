from __future__ import annotations

import fcntl
import os
from pathlib import Path

from airflow_mlcraft.common.locks import locked, locked_if_free, temporary_lock, try_lock


def test_a_lock_is_exclusive_and_is_free_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), locked_if_free(path) as second:
        assert second is None
    with locked_if_free(path) as third:
        assert third is not None


def test_a_lock_file_keeps_its_text(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("17\n")
    with locked(path) as file:
        file.seek(0)
        assert file.read() == "17\n"
        file.write("18\n")
    assert path.read_text() == "17\n18\n"


def test_shared_locks_do_not_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open("rb") as one, path.open("rb") as two:
        assert try_lock(one, shared=True)
        assert try_lock(two, shared=True)
        with locked_if_free(path) as exclusive:
            assert exclusive is None


def test_a_temporary_lock_is_removed_and_has_a_timeout(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with temporary_lock(path, 1) as held:
        assert held
        with temporary_lock(path, 0.05) as second:
            assert not second
    assert not path.exists()


def test_a_temporary_lock_is_not_that_of_a_removed_file(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    removed = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(removed, fcntl.LOCK_EX)
    path.unlink()
    with temporary_lock(path, 1) as held:
        assert held
    os.close(removed)
