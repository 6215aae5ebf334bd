"""Holding git's index while a commit is added, as git itself does, so that the user's index follows the branch."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.work import unique_name

_PATIENCE = 60.0
_GLANCE = 0.05


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[IO[str]]:
    """Keep other processes of ours out; the lock ends with its process, however that ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


@contextmanager
def held_index(git_dir: Path, note: IO[str]) -> Iterator[Path]:
    """A copy of the index, while nobody else can change the index; `put_index` makes it the index.

    Git's own lock is a file, which would stay if this process were killed. So its inode is noted in a file that only
    one of our processes has open at a time, and the next of them removes what was left.
    """
    lock, copy, mark = git_dir / "index.lock", git_dir / "mlcraft-index", git_dir / f"mlcraft-{unique_name()}"
    _remove_what_was_left(lock, note)
    mark.touch()
    try:
        _note(note, str(mark.stat().st_ino))
        _link(mark, lock)
        copy.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            # With its time, by which git tells files that were edited in the instant when the index was written.
            shutil.copy2(git_dir / "index", copy)
        yield copy
    finally:
        with suppress(FileNotFoundError):
            if lock.samefile(mark):
                lock.unlink()
        mark.unlink(missing_ok=True)
        copy.unlink(missing_ok=True)
        _note(note, "")


def put_index(git_dir: Path, copy: Path) -> None:
    """Make the copy the index."""
    copy.replace(git_dir / "index")


def _link(mark: Path, lock: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            os.link(mark, lock)
        except FileExistsError:
            if time.monotonic() > end:
                raise VersioningError(
                    f"{lock} has been there for {_PATIENCE:.0f} s: git is at work in this repository, or was ended "
                    "there; if no git is running, remove the file",
                    temporary=True,
                ) from None
            time.sleep(_GLANCE)
        else:
            return


def _note(note: IO[str], text: str) -> None:
    note.seek(0)
    note.truncate()
    note.write(text)
    note.flush()


def _remove_what_was_left(lock: Path, note: IO[str]) -> None:
    note.seek(0)
    inode = note.read()
    with suppress(FileNotFoundError):
        if inode and str(lock.stat().st_ino) == inode:
            lock.unlink()
