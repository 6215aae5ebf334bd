"""Holding git's index while a commit is added, as git itself does, so that the user's index follows the branch."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.task_folders import unique_name
from airflow_mlcraft.versioning.dvc_files import Data, with_lines, written
from airflow_mlcraft.versioning.git import NOTHING, Blob
from airflow_mlcraft.versioning.repository import Repository
from airflow_mlcraft.versioning.targets import Target, lines_by_file, targets_of

_PATIENCE = 60.0
_GLANCE = 0.05


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


_TRIES = 100
_WEB = {"github.com": "commit", "gitlab.com": "-/commit", "bitbucket.org": "commits", "dagshub.com": "commit"}
_CONFIGURATION = (".dvc/config", ".dvc/.gitignore", ".dvcignore")
"""What makes a clone a DVC repository; part of the first commit where the user has made none of them."""


@dataclass(frozen=True)
class Committed:
    """The commit that has the pointers, new or not."""

    id: str
    targets: list[Target]
    kept: list[str] = field(default_factory=list)
    """Pointers that the user has changed as well, and that were left as they are in the index or in the folder."""


def commit(
    repository: Repository,
    data: Mapping[str, Data],
    about: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> Committed:
    """Commit the pointers to data; `about` is said in the commit's message, as `DAG: iris`.

    `check` may refuse a target. The lock of the repository is held, and `note` is its file.
    """
    for _ in range(_TRIES):
        committed = _attempt(repository, data, about, check, note)
        if committed is not None:
            return committed
    raise VersioningError(f"the branch of {repository.root} moved at every of {_TRIES} tries", temporary=True)


def made_by(repository: Repository, target: Target, about: Mapping[str, str]) -> bool:
    """Whether the last commit of a pointer has said just this."""
    message = repository.git.ask("--literal-pathspecs", "log", "-1", "--format=%B", "--", target.pointer) or ""
    return {f"{key}: {value}" for key, value in about.items()} <= set(message.splitlines())


def page_of(repository: Repository, commit: str) -> str:
    """A commit's page on the web; "" where the repository comes from no server that is known to have one."""
    origin = repository.git.ask("config", "remote.origin.url") or ""
    found = re.fullmatch(r"(?:https?://(?:[^/@]*@)?|(?:ssh://)?git@)([^/:@]+)[:/](.+?)(?:\.git)?/?", origin)
    if not found or found[1] not in _WEB:
        return ""
    return f"https://{found[1]}/{found[2]}/{_WEB[found[1]]}/{commit}"


def _attempt(
    repository: Repository,
    data: Mapping[str, Data],
    about: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> Committed | None:
    """The commit, or None where somebody else was faster."""
    git = repository.git
    branch = git.ask("symbolic-ref", "--quiet", "HEAD")
    if branch is None:
        raise VersioningError(
            f"{git.folder} has no branch checked out, so a commit there would be lost; run `git switch BRANCH`"
        )
    parent = git.ask("rev-parse", "--verify", "--quiet", branch)
    blobs = git.blobs(parent)
    targets = targets_of(repository, data, blobs)
    for target in targets:
        check(target)
    edits = _Edits(repository, blobs, targets)
    files = edits.of_commit()
    new = [target for target in targets if target.changed]
    if not files:
        return Committed(parent or "", targets)
    configuration = {} if f"{repository.prefix}{_CONFIGURATION[0]}" in blobs else _configuration(repository)
    files.update(configuration)
    added = {path: git.keep(text) for path, text in files.items()}
    message = _message(new or targets, repository.prefix, about)
    made = git.commit(_tree(repository, parent, added), parent, message)
    with held_index(repository.git_dir, note) as index:
        staged = {**edits.of_index(files), **configuration}
        git.stage({path: git.keep(text) for path, text in staged.items()}, index)
        if git.ask("update-ref", "-m", f"commit: {message.splitlines()[0]}", branch, made, parent or NOTHING) is None:
            if git.ask("rev-parse", "--verify", "--quiet", branch) != parent:
                return None
            git.run("update-ref", branch, made, parent or NOTHING)
        put_index(repository.git_dir, index)
    here = edits.of_folder(files)
    for path, text in here.items():
        _write(repository, path, text)
    pointers = {target.pointer for target in targets} & files.keys()
    return Committed(made, targets, sorted(pointers - (staged.keys() & here.keys())))


class _Edits:
    """What becomes of each file: in the commit, in the index, and in the user's folder."""

    def __init__(self, repository: Repository, blobs: Mapping[str, Blob], targets: list[Target]):
        self._repository = repository
        self._pointers = _by_pointer(targets)
        self._ignores = lines_by_file(targets)
        present = {path: blobs[path].id for path in (*self._pointers, *self._ignores) if path in blobs}
        texts = repository.git.contents(present.values()) if present else {}
        self._before = {path: texts[blob] for path, blob in present.items()}

    def of_commit(self) -> dict[str, bytes]:
        """The files that change."""
        files = self._ignoring(self._before)
        for path, targets in self._pointers.items():
            text = self._before.get(path)
            for target in targets:
                text = written(target.data, target.name, text) if target.changed else text
            if text is not None and text != self._before.get(path):
                files[path] = text
        return files

    def of_index(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Of these files, those to be put into the index: what the user has staged stays."""
        found = self._repository.git.indexed(files)
        texts = self._repository.git.contents(blob.id for blob in found.values()) if found else {}
        return self._followed(files, {path: texts[blob.id] for path, blob in found.items()})

    def of_folder(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Of these files, those to be written into the folder: what the user has edited stays."""
        found = {path: _read(self._repository, path) for path in files}
        return self._followed(files, {path: text for path, text in found.items() if text is not None})

    def _followed(self, files: Mapping[str, bytes], there: Mapping[str, bytes]) -> dict[str, bytes]:
        untouched = {path: text for path, text in files.items() if there.get(path) in (self._before.get(path), text)}
        edited = {path: text for path, text in there.items() if path not in untouched}
        merged = self._ignoring(edited)
        return {**untouched, **{path: text for path, text in merged.items() if path in edited}}

    def _ignoring(self, there: Mapping[str, bytes]) -> dict[str, bytes]:
        """The lists of ignored files as they are to be, where they differ from what is there."""
        after = {path: with_lines(there.get(path), lines) for path, lines in self._ignores.items()}
        return {path: text for path, text in after.items() if text != there.get(path)}


def _by_pointer(targets: list[Target]) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for target in targets:
        found.setdefault(target.pointer, []).append(target)
    return found


def _tree(repository: Repository, parent: str | None, added: Mapping[str, str]) -> str:
    index = repository.git_dir / f"mlcraft-tree-{unique_name()}"
    try:
        if parent:
            repository.git.run("read-tree", parent, index=index)
        repository.git.stage(added, index)
        return repository.git.text("write-tree", index=index)
    finally:
        for left in (index, Path(f"{index}.lock")):
            left.unlink(missing_ok=True)


def _configuration(repository: Repository) -> dict[str, bytes]:
    found = {f"{repository.prefix}{name}": _read(repository, repository.prefix + name) for name in _CONFIGURATION}
    return {path: text for path, text in found.items() if text is not None}


def _message(targets: list[Target], prefix: str, about: Mapping[str, str]) -> str:
    names = [target.path.removeprefix(prefix) for target in targets]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    data = [f"{name}: {_described(target.data)}" for name, target in zip(names, targets, strict=True)]
    lines = [f"{key}: {value}" for key, value in about.items()]
    return "\n".join([f"Version {names[0]}{more}", "", *lines, *data, ""])


def _described(data: Data) -> str:
    many = "" if data.nfiles is None else f"{data.nfiles} files, "
    return f"md5 {data.oid} ({many}{data.size} bytes)"


def _read(repository: Repository, path: str) -> bytes | None:
    try:
        return (repository.git.folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write(repository: Repository, path: str, text: bytes) -> None:
    place = repository.git.folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = repository.temporary / unique_name()
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(text)
    temporary.replace(place)
