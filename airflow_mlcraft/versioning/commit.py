"""The git commit that has the `.dvc` files of data, made while git's index is locked as git itself locks it."""

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
from airflow_mlcraft.versioning.dvc_files import DvcData, add_ignore_lines, build_dvc_file
from airflow_mlcraft.versioning.git import NULL_OID, Blob
from airflow_mlcraft.versioning.repository import Repository
from airflow_mlcraft.versioning.targets import Target, build_targets, group_ignore_lines

_INDEX_LOCK_TIMEOUT = 60.0
_POLL_SECONDS = 0.05
_TRIES = 100
_COMMIT_PATHS = {"github.com": "commit", "gitlab.com": "-/commit", "bitbucket.org": "commits", "dagshub.com": "commit"}
_DVC_CONFIGURATION = (".dvc/config", ".dvc/.gitignore", ".dvcignore")
"""The files that make a clone a DVC repository; added to the first commit if none of them is committed."""


@dataclass(frozen=True)
class CommitResult:
    """The commit that has the `.dvc` files, new or not."""

    id: str
    targets: list[Target]
    kept: list[str] = field(default_factory=list)
    """`.dvc` files with changes of the user, left as they are in the index or in the folder."""


def commit(
    repository: Repository,
    data: Mapping[str, DvcData],
    about: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> CommitResult:
    """Commit the `.dvc` files of data; `about` are lines of the commit's message, as `DAG: iris`.

    `check` may refuse a target. The lock of the repository is held, and `note` is its file.
    """
    for _ in range(_TRIES):
        committed = _try_commit(repository, data, about, check, note)
        if committed is not None:
            return committed
    raise VersioningError(f"the branch of {repository.root} moved at every of {_TRIES} tries", temporary=True)


def is_last_commit_about(repository: Repository, target: Target, about: Mapping[str, str]) -> bool:
    """Whether the message of the last commit of a `.dvc` file has all these lines."""
    message = repository.git.run_or_none("--literal-pathspecs", "log", "-1", "--format=%B", "--", target.pointer) or ""
    return {f"{key}: {value}" for key, value in about.items()} <= set(message.splitlines())


def find_commit_url(repository: Repository, commit: str) -> str:
    """The URL of a commit's web page; "" where the origin is no known git host."""
    origin = repository.git.run_or_none("config", "remote.origin.url") or ""
    found = re.fullmatch(r"(?:https?://(?:[^/@]*@)?|(?:ssh://)?git@)([^/:@]+)[:/](.+?)(?:\.git)?/?", origin)
    if not found or found[1] not in _COMMIT_PATHS:
        return ""
    return f"https://{found[1]}/{found[2]}/{_COMMIT_PATHS[found[1]]}/{commit}"


def _try_commit(
    repository: Repository,
    data: Mapping[str, DvcData],
    about: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> CommitResult | None:
    """The commit, or None where the branch has moved meanwhile."""
    git = repository.git
    branch = git.run_or_none("symbolic-ref", "--quiet", "HEAD")
    if branch is None:
        raise VersioningError(
            f"{git.folder} has no branch checked out, so a commit there would be lost; run `git switch BRANCH`"
        )
    parent = git.run_or_none("rev-parse", "--verify", "--quiet", branch)
    blobs = git.list_files(parent)
    targets = build_targets(repository, data, blobs)
    for target in targets:
        check(target)
    edits = _Edits(repository, blobs, targets)
    files = edits.changes_to_commit()
    new = [target for target in targets if target.changed]
    if not files:
        return CommitResult(parent or "", targets)
    configuration = {} if f"{repository.prefix}{_DVC_CONFIGURATION[0]}" in blobs else _read_configuration(repository)
    files.update(configuration)
    added = {path: git.write_blob(text) for path, text in files.items()}
    message = _build_message(new or targets, repository.prefix, about)
    made = git.commit_tree(_write_tree(repository, parent, added), parent, message)
    with lock_index(repository.git_dir, note) as index:
        staged = {**edits.changes_to_index(files), **configuration}
        git.update_index({path: git.write_blob(text) for path, text in staged.items()}, index)
        if (
            git.run_or_none("update-ref", "-m", f"commit: {message.splitlines()[0]}", branch, made, parent or NULL_OID)
            is None
        ):
            if git.run_or_none("rev-parse", "--verify", "--quiet", branch) != parent:
                return None
            git.run("update-ref", branch, made, parent or NULL_OID)
        replace_index(repository.git_dir, index)
    here = edits.changes_to_folder(files)
    for path, text in here.items():
        _write_file(repository, path, text)
    pointers = {target.pointer for target in targets} & files.keys()
    return CommitResult(made, targets, sorted(pointers - (staged.keys() & here.keys())))


class _Edits:
    """The new content of each `.dvc` and `.gitignore` file: in the commit, in the index, and in the folder."""

    def __init__(self, repository: Repository, blobs: Mapping[str, Blob], targets: list[Target]):
        self._repository = repository
        self._pointers = _group_by_pointer(targets)
        self._ignores = group_ignore_lines(targets)
        present = {path: blobs[path].id for path in (*self._pointers, *self._ignores) if path in blobs}
        texts = repository.git.read_blobs(present.values()) if present else {}
        self._before = {path: texts[blob] for path, blob in present.items()}

    def changes_to_commit(self) -> dict[str, bytes]:
        """The files that change in the commit."""
        files = self._add_ignore_lines(self._before)
        for path, targets in self._pointers.items():
            text = self._before.get(path)
            for target in targets:
                text = build_dvc_file(target.data, target.name, text) if target.changed else text
            if text is not None and text != self._before.get(path):
                files[path] = text
        return files

    def changes_to_index(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Those of the files to put into the index: changes that the user has staged are kept."""
        found = self._repository.git.list_index(files)
        texts = self._repository.git.read_blobs(blob.id for blob in found.values()) if found else {}
        return self._apply_where_unedited(files, {path: texts[blob.id] for path, blob in found.items()})

    def changes_to_folder(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Those of the files to write into the folder: changes of the user are kept."""
        found = {path: _read_file(self._repository, path) for path in files}
        return self._apply_where_unedited(files, {path: text for path, text in found.items() if text is not None})

    def _apply_where_unedited(self, files: Mapping[str, bytes], there: Mapping[str, bytes]) -> dict[str, bytes]:
        untouched = {path: text for path, text in files.items() if there.get(path) in (self._before.get(path), text)}
        edited = {path: text for path, text in there.items() if path not in untouched}
        merged = self._add_ignore_lines(edited)
        return {**untouched, **{path: text for path, text in merged.items() if path in edited}}

    def _add_ignore_lines(self, there: Mapping[str, bytes]) -> dict[str, bytes]:
        """The `.gitignore` files with the new lines, where they lack one."""
        after = {path: add_ignore_lines(there.get(path), lines) for path, lines in self._ignores.items()}
        return {path: text for path, text in after.items() if text != there.get(path)}


@contextmanager
def lock_index(git_dir: Path, note: IO[str]) -> Iterator[Path]:
    """A copy of the index, while nobody else can change the index; `put_index` makes it the index.

    Git's lock is a file, which remains if this process is killed. Its inode is therefore written into `note`, which
    only one process has open at a time, and the next process removes a lock file with that inode.
    """
    lock, copy, mark = git_dir / "index.lock", git_dir / "mlcraft-index", git_dir / f"mlcraft-{unique_name()}"
    _remove_stale_lock(lock, note)
    mark.touch()
    try:
        _write_note(note, str(mark.stat().st_ino))
        _wait_for_lock(mark, lock)
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
        _write_note(note, "")


def replace_index(git_dir: Path, copy: Path) -> None:
    """Replace the index by the copy."""
    copy.replace(git_dir / "index")


def _wait_for_lock(mark: Path, lock: Path) -> None:
    end = time.monotonic() + _INDEX_LOCK_TIMEOUT
    while True:
        try:
            os.link(mark, lock)
        except FileExistsError:
            if time.monotonic() > end:
                raise VersioningError(
                    f"{lock} has been there for {_INDEX_LOCK_TIMEOUT:.0f} s: git is at work in this repository, or was "
                    "ended there; if no git is running, remove the file",
                    temporary=True,
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _write_note(note: IO[str], text: str) -> None:
    note.seek(0)
    note.truncate()
    note.write(text)
    note.flush()


def _remove_stale_lock(lock: Path, note: IO[str]) -> None:
    note.seek(0)
    inode = note.read()
    with suppress(FileNotFoundError):
        if inode and str(lock.stat().st_ino) == inode:
            lock.unlink()


def _group_by_pointer(targets: list[Target]) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = {}
    for target in targets:
        found.setdefault(target.pointer, []).append(target)
    return found


def _write_tree(repository: Repository, parent: str | None, added: Mapping[str, str]) -> str:
    index = repository.git_dir / f"mlcraft-tree-{unique_name()}"
    try:
        if parent:
            repository.git.run("read-tree", parent, index=index)
        repository.git.update_index(added, index)
        return repository.git.text("write-tree", index=index)
    finally:
        for left in (index, Path(f"{index}.lock")):
            left.unlink(missing_ok=True)


def _read_configuration(repository: Repository) -> dict[str, bytes]:
    found = {
        f"{repository.prefix}{name}": _read_file(repository, repository.prefix + name) for name in _DVC_CONFIGURATION
    }
    return {path: text for path, text in found.items() if text is not None}


def _build_message(targets: list[Target], prefix: str, about: Mapping[str, str]) -> str:
    names = [target.path.removeprefix(prefix) for target in targets]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    data = [f"{name}: {_describe(target.data)}" for name, target in zip(names, targets, strict=True)]
    lines = [f"{key}: {value}" for key, value in about.items()]
    return "\n".join([f"Version {names[0]}{more}", "", *lines, *data, ""])


def _describe(data: DvcData) -> str:
    many = "" if data.nfiles is None else f"{data.nfiles} files, "
    return f"md5 {data.oid} ({many}{data.size} bytes)"


def _read_file(repository: Repository, path: str) -> bytes | None:
    try:
        return (repository.git.folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write_file(repository: Repository, path: str, text: bytes) -> None:
    place = repository.git.folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = repository.temporary / unique_name()
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(text)
    temporary.replace(place)
