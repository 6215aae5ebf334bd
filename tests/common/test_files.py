"""Atomic writes of files, and restoring files after an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.common.files import (
    create_atomically,
    restore_files_on_error,
    write_atomically,
    write_text_atomically,
)
from airflow_mlcraft.errors import ProjectError


def test_a_file_is_replaced(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "new" / "a", "one")
    write_text_atomically(tmp_path / "new" / "a", "two", mode=0o600)
    assert (tmp_path / "new" / "a").read_text() == "two"
    assert (tmp_path / "new" / "a").stat().st_mode & 0o777 == 0o600
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_place_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match="cannot be written: "):
        write_text_atomically(tmp_path / "file" / "a", "text")


def test_a_text_that_cannot_be_written_leaves_the_old(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text_atomically(tmp_path / "a", "\udc00")
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_files_are_restored_on_an_error(tmp_path: Path) -> None:
    there, gone, new = tmp_path / "there", tmp_path / "gone", tmp_path / "new"
    for path in (there, gone):
        path.write_text(path.name)
    there.chmod(0o600)
    with pytest.raises(KeyboardInterrupt), restore_files_on_error(there, gone, new):
        there.write_text("changed")
        gone.unlink()
        new.write_text("made")
        raise KeyboardInterrupt
    assert (there.read_text(), gone.read_text()) == ("there", "gone")
    assert there.stat().st_mode & 0o777 == 0o600
    assert not new.exists()
    with restore_files_on_error(there):
        there.write_text("changed")
    assert there.read_text() == "changed"


def test_a_new_file_does_not_replace_another(tmp_path: Path) -> None:
    create_atomically(tmp_path / "a", b"one", sync=True)
    with pytest.raises(FileExistsError):
        create_atomically(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert len(list(tmp_path.iterdir())) == 1


def test_names_of_the_greatest_length(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_atomically(path, b"one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", b"two")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "folder", path]
