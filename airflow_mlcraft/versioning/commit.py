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
_MAX_TRIES = 100
_COMMIT_PATHS = {"github.com": "commit", "gitlab.com": "-/commit", "bitbucket.org": "commits", "dagshub.com": "commit"}
_DVC_CONFIGURATION = (".dvc/config", ".dvc/.gitignore", ".dvcignore")
"""The files that make a clone a DVC repository; added to the first commit if none of them is committed."""


@dataclass(frozen=True)
class CommitResult:
    """The commit with the `.dvc` files; if nothing changed, the last commit."""

    id: str
    targets: list[Target]
    user_edited: list[str] = field(default_factory=list)
    """`.dvc` files that the user has edited, left unchanged in the index or in the folder."""


def commit(
    repository: Repository,
    data: Mapping[str, DvcData],
    message_fields: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> CommitResult:
    """Commit the `.dvc` files of data; `message_fields` are lines of the commit message, such as `DAG: iris`.

    `check` may raise for a target. The caller holds the lock of the repository; `note` is the lock file.
    """
    for _ in range(_MAX_TRIES):
        committed = _try_commit(repository, data, message_fields, check, note)
        if committed is not None:
            return committed
    raise VersioningError(f"the branch of {repository.root} moved at every of {_MAX_TRIES} tries", temporary=True)


def is_last_commit_about(repository: Repository, target: Target, message_fields: Mapping[str, str]) -> bool:
    """Whether the message of the last commit of a `.dvc` file has all `message_fields`."""
    message = repository.git.run_or_none("--literal-pathspecs", "log", "-1", "--format=%B", "--", target.pointer) or ""
    return {f"{key}: {value}" for key, value in message_fields.items()} <= set(message.splitlines())


def find_commit_url(repository: Repository, commit: str) -> str:
    """Return the URL of a commit's web page; "" if the origin is not a known git host."""
    origin = repository.git.run_or_none("config", "remote.origin.url") or ""
    found = re.fullmatch(r"(?:https?://(?:[^/@]*@)?|(?:ssh://)?git@)([^/:@]+)[:/](.+?)(?:\.git)?/?", origin)
    if not found or found[1] not in _COMMIT_PATHS:
        return ""
    return f"https://{found[1]}/{found[2]}/{_COMMIT_PATHS[found[1]]}/{commit}"


def _try_commit(
    repository: Repository,
    data: Mapping[str, DvcData],
    message_fields: Mapping[str, str],
    check: Callable[[Target], None],
    note: IO[str],
) -> CommitResult | None:
    """Create the commit; return None if the branch has moved meanwhile."""
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
    changed_targets = [target for target in targets if target.changed]
    if not files:
        return CommitResult(parent or "", targets)
    dvc_configuration = (
        {} if f"{repository.prefix}{_DVC_CONFIGURATION[0]}" in blobs else _read_configuration(repository)
    )
    files.update(dvc_configuration)
    added = {path: git.write_blob(text) for path, text in files.items()}
    message = _build_message(changed_targets or targets, repository.prefix, message_fields)
    new_commit = git.commit_tree(_write_tree(repository, parent, added), parent, message)
    with lock_index(repository.git_dir, note) as index:
        staged = {**edits.changes_to_index(files), **dvc_configuration}
        git.update_index({path: git.write_blob(text) for path, text in staged.items()}, index)
        if (
            git.run_or_none(
                "update-ref", "-m", f"commit: {message.splitlines()[0]}", branch, new_commit, parent or NULL_OID
            )
            is None
        ):
            if git.run_or_none("rev-parse", "--verify", "--quiet", branch) != parent:
                return None
            git.run("update-ref", branch, new_commit, parent or NULL_OID)
        replace_index(repository.git_dir, index)
    written = edits.changes_to_folder(files)
    for path, text in written.items():
        _write_file(repository, path, text)
    pointers = {target.pointer for target in targets} & files.keys()
    return CommitResult(new_commit, targets, sorted(pointers - (staged.keys() & written.keys())))


class _Edits:
    """The new contents of `.dvc` and `.gitignore` files: in the commit, in the index, and in the folder."""

    def __init__(self, repository: Repository, blobs: Mapping[str, Blob], targets: list[Target]):
        self._repository = repository
        self._pointers = _group_by_pointer(targets)
        self._ignores = group_ignore_lines(targets)
        present = {path: blobs[path].id for path in (*self._pointers, *self._ignores) if path in blobs}
        texts = repository.git.read_blobs(present.values()) if present else {}
        self._before = {path: texts[blob] for path, blob in present.items()}

    def changes_to_commit(self) -> dict[str, bytes]:
        """Return the files that change in the commit."""
        files = self._add_ignore_lines(self._before)
        for path, targets in self._pointers.items():
            text = self._before.get(path)
            for target in targets:
                text = build_dvc_file(target.data, target.name, text) if target.changed else text
            if text is not None and text != self._before.get(path):
                files[path] = text
        return files

    def changes_to_index(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files to put into the index; files whose staged content the user has edited are left out."""
        found = self._repository.git.list_index(files)
        texts = self._repository.git.read_blobs(blob.id for blob in found.values()) if found else {}
        return self._apply_where_unedited(files, {path: texts[blob.id] for path, blob in found.items()})

    def changes_to_folder(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files to write into the folder; files that the user has edited are left out."""
        found = {path: _read_file(self._repository, path) for path in files}
        return self._apply_where_unedited(files, {path: text for path, text in found.items() if text is not None})

    def _apply_where_unedited(self, files: Mapping[str, bytes], current: Mapping[str, bytes]) -> dict[str, bytes]:
        untouched = {path: text for path, text in files.items() if current.get(path) in (self._before.get(path), text)}
        edited = {path: text for path, text in current.items() if path not in untouched}
        merged = self._add_ignore_lines(edited)
        return {**untouched, **{path: text for path, text in merged.items() if path in edited}}

    def _add_ignore_lines(self, current: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the `.gitignore` files that lack a line, with it added."""
        after = {path: add_ignore_lines(current.get(path), lines) for path, lines in self._ignores.items()}
        return {path: text for path, text in after.items() if text != current.get(path)}


@contextmanager
def lock_index(git_dir: Path, note: IO[str]) -> Iterator[Path]:
    """Lock git's index and yield a copy of it, which `replace_index` makes the index.

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
            # With its modification time, by which git detects files edited at the moment when the index was written.
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
    deadline = time.monotonic() + _INDEX_LOCK_TIMEOUT
    while True:
        try:
            os.link(mark, lock)
        except FileExistsError:
            if time.monotonic() > deadline:
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
        for path in (index, Path(f"{index}.lock")):
            path.unlink(missing_ok=True)


def _read_configuration(repository: Repository) -> dict[str, bytes]:
    found = {
        f"{repository.prefix}{name}": _read_file(repository, repository.prefix + name) for name in _DVC_CONFIGURATION
    }
    return {path: text for path, text in found.items() if text is not None}


def _build_message(targets: list[Target], prefix: str, message_fields: Mapping[str, str]) -> str:
    names = [target.path.removeprefix(prefix) for target in targets]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    data = [f"{name}: {_describe(target.data)}" for name, target in zip(names, targets, strict=True)]
    lines = [f"{key}: {value}" for key, value in message_fields.items()]
    return "\n".join([f"Version {names[0]}{more}", "", *lines, *data, ""])


def _describe(data: DvcData) -> str:
    file_count = "" if data.nfiles is None else f"{data.nfiles} files, "
    return f"md5 {data.oid} ({file_count}{data.size} bytes)"


def _read_file(repository: Repository, path: str) -> bytes | None:
    try:
        return (repository.git.folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _write_file(repository: Repository, path: str, text: bytes) -> None:
    target = repository.git.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = repository.temporary / unique_name()
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(text)
    temporary.replace(target)
