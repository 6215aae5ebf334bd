"""The project's own code in git: a commit of the code of each run, and the changes since.

If the user has staged files, or a merge is in progress, nothing is committed to the branch: the code goes to a commit
under refs/mlcraft/, the run is marked dirty, and its diff is stored with the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.project.project_paths import MANIFEST, Project
from airflow_mlcraft.store.task_folders import unique_name
from airflow_mlcraft.versioning.commit import lock_index, replace_index
from airflow_mlcraft.versioning.git import NULL_OID, Git
from airflow_mlcraft.versioning.repository import Repository, find_repository

_REF_PREFIX = "refs/mlcraft/"
_CODE_FILES = (MANIFEST, "requirements.txt")
_CODE_SUFFIXES = (".py", ".cwl")
_DATA_FOLDERS = ("data/", "models/", "reports/", "logs/")
_MERGE_STATE_FILES = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_MAX_LISTED = 3


@dataclass(frozen=True)
class CodeCommit:
    """The commit with the code of a run; `dirty` is the reason why it is not on the branch, empty if it is."""

    commit: str = ""
    dirty: str = ""


def commit_code(project: Project, run_id: str) -> CodeCommit:
    """Commit the project's own code if it has changed. Returns the commit; empty, with a reason, if git fails."""
    try:
        repository = find_repository(project.folder)
        with locked(repository.common_dir / "mlcraft.lock") as note:
            if not _list_changed_paths(repository, project):
                return CodeCommit(repository.git.run_or_none("rev-parse", "--verify", "--quiet", "HEAD") or "")
            if reason := _find_commit_obstacle(repository, project):
                return _commit_aside(repository, project, run_id, reason)
            with lock_index(repository.git_dir, note) as index:
                commit = _commit_to_branch(repository, project, run_id, index)
                replace_index(repository.git_dir, index)
            return CodeCommit(commit)
    except VersioningError as error:
        return CodeCommit(dirty=str(error))


def get_diffstat(project: Project, before: str, after: str = "") -> list[str]:
    """Return lines such as `model.py | 3 ++-` for own code that differs between two commits, or from the files."""
    try:
        repository = find_repository(project.folder)
        after = after or _write_current_tree(repository, project)
        stat = repository.git.run_or_none("diff", "--stat=80", before, after, "--", *_pathspecs(repository, project))
    except VersioningError:
        return []
    lines = [line.strip() for line in (stat or "").splitlines()]
    return lines[:-1]


def list_code_files(project: Project, commit: str) -> list[str]:
    """Paths of own code in a commit, relative to the project's folder; without the tools of the documents."""
    try:
        repository = find_repository(project.folder)
        blobs = repository.git.list_files(commit)
    except VersioningError:
        return []
    prefix = _prefix(repository, project)
    names = [path.removeprefix(prefix) for path in blobs if path.startswith(prefix)]
    code = [name for name in names if name.endswith(_CODE_SUFFIXES) or name in _CODE_FILES]
    return [name for name in code if not name.startswith((*_DATA_FOLDERS, "tools/"))]


def _list_changed_paths(repository: Repository, project: Project) -> list[str]:
    """Paths of own code, from the top of the repository, that differ from HEAD."""
    arguments = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--")
    found = repository.git.run(*arguments, *_pathspecs(repository, project))
    return sorted(os.fsdecode(line[3:]) for line in found.split(b"\0") if line)


def _pathspecs(repository: Repository, project: Project) -> list[str]:
    """Pathspecs of own code: Python, CWL, mlcraft.toml and requirements.txt. Data and secrets are excluded."""
    prefix = _prefix(repository, project)
    kinds = [f":(top,glob){prefix}**/*{kind}" for kind in _CODE_SUFFIXES]
    excluded = [f":(top,exclude,glob){prefix}{folder}**" for folder in _DATA_FOLDERS]
    return [*(f":(top,literal){prefix}{name}" for name in _CODE_FILES), *kinds, *excluded]


def _prefix(repository: Repository, project: Project) -> str:
    """The path prefix of the project's files in git."""
    relative = project.folder.resolve().relative_to(repository.git.folder).as_posix()
    return "" if relative == "." else f"{relative}/"


def _find_commit_obstacle(repository: Repository, project: Project) -> str:
    """The reason why a commit to the branch is not possible now; empty if it is."""
    git = repository.git
    if git.run_or_none("symbolic-ref", "--quiet", "HEAD") is None:
        return "no branch is checked out"
    if any((repository.git_dir / name).exists() for name in _MERGE_STATE_FILES):
        return "a merge or rebase is going on"
    if git.run_or_none("rev-parse", "--verify", "--quiet", "HEAD") is None:
        return ""
    changed, edited = _list_changed_paths(repository, project), _list_paths(git, "diff", "--name-only", "-z")
    # Own code that is staged without later edits is part of the commit anyway.
    staged = [
        path
        for path in _list_paths(git, "diff", "--cached", "--name-only", "-z")
        if path not in changed or path in edited
    ]
    if not staged:
        return ""
    more = f" and {len(staged) - _MAX_LISTED} more" if len(staged) > _MAX_LISTED else ""
    return f"you have staged {', '.join(staged[:_MAX_LISTED])}{more}"


def _list_paths(git: Git, *arguments: str) -> list[str]:
    return [path for path in git.text(*arguments).split("\0") if path]


def _commit_to_branch(repository: Repository, project: Project, run_id: str, index: Path) -> str:
    git = repository.git
    branch = git.text("symbolic-ref", "HEAD")
    parent = git.run_or_none("rev-parse", "--verify", "--quiet", "HEAD")
    changed = _list_changed_paths(repository, project)
    _stage(git, index, changed)
    commit = git.commit_tree(
        git.text("write-tree", index=index), parent, _commit_message(repository, project, changed, run_id)
    )
    git.run("update-ref", "-m", "commit: code of a training", branch, commit, parent or NULL_OID)
    return commit


def _commit_aside(repository: Repository, project: Project, run_id: str, reason: str) -> CodeCommit:
    git, head = repository.git, repository.git.run_or_none("rev-parse", "--verify", "--quiet", "HEAD")
    tree = _write_current_tree(repository, project)
    commit = git.commit_tree(tree, head, f"Code of {run_id}\n")
    git.run("update-ref", f"{_REF_PREFIX}{run_id}", commit)
    diff = git.run("diff", "--binary", head or git.text("hash-object", "-t", "tree", "/dev/null"), tree)
    write_text_atomically(project.runs / f"{run_id}.diff", diff.decode("utf-8", "replace"))
    return CodeCommit(commit, reason)


def _write_current_tree(repository: Repository, project: Project) -> str:
    """Write a git tree of HEAD with the current files of own code."""
    with _temporary_index(repository) as index:
        head = repository.git.run_or_none("rev-parse", "--verify", "--quiet", "HEAD")
        if head:
            repository.git.run("read-tree", head, index=index)
        _stage(repository.git, index, _list_changed_paths(repository, project))
        return repository.git.text("write-tree", index=index)


def _stage(git: Git, index: Path, paths: Sequence[str]) -> None:
    """Update an index with the current files; deleted files are removed from it."""
    stdin = b"".join(os.fsencode(path) + b"\0" for path in paths)
    git.run("update-index", "--add", "--remove", "-z", "--stdin", stdin=stdin, index=index)


@contextmanager
def _temporary_index(repository: Repository) -> Iterator[Path]:
    index = repository.git_dir / f"mlcraft-code-{unique_name()}"
    try:
        yield index
    finally:
        for path in (index, Path(f"{index}.lock")):
            path.unlink(missing_ok=True)


def _commit_message(repository: Repository, project: Project, changed: Sequence[str], run_id: str) -> str:
    prefix = _prefix(repository, project)
    names = [path.removeprefix(prefix) for path in changed]
    shown = [name for name in names if not name.endswith(".cwl")] or names
    more = f" and {len(names) - len(shown[:_MAX_LISTED])} more" if len(names) > len(shown[:_MAX_LISTED]) else ""
    return f"Change {', '.join(shown[:_MAX_LISTED])}{more}\n\nProject: {project.name}\nRun: {run_id}\n"
