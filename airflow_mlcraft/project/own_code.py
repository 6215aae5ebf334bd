"""A project's own code in git: a commit that has what a run ran, and what has changed since.

The user's own commits go on beside it: where something is staged, or a merge is going on, no commit is made on the
branch; the code is kept in a commit under refs/mlcraft/, the run is marked dirty, and its diff is kept with the run.
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
from airflow_mlcraft.versioning.commit import held_index, put_index
from airflow_mlcraft.versioning.git import NOTHING, Git
from airflow_mlcraft.versioning.repository import Repository, repository_at

_REF = "refs/mlcraft/"
_OWN = (MANIFEST, "requirements.txt")
_KINDS = (".py", ".cwl")
_NOT_CODE = ("data/", "models/", "reports/", "logs/")
_BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")
_SHOWN = 3


@dataclass(frozen=True)
class KeptCode:
    """The commit that has the code of a run; `dirty` says why it is not on the branch, empty where it is."""

    commit: str = ""
    dirty: str = ""


def keep_code(project: Project, run_id: str) -> KeptCode:
    """Have the project's own code in a commit, and say in which; without git there is none."""
    try:
        repository = repository_at(project.folder)
        with locked(repository.common_dir / "mlcraft.lock") as note:
            if not _changed(repository, project):
                return KeptCode(repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD") or "")
            if reason := _why_not(repository, project):
                return _keep_aside(repository, project, run_id, reason)
            with held_index(repository.git_dir, note) as index:
                made = _commit(repository, project, run_id, index)
                put_index(repository.git_dir, index)
            return KeptCode(made)
    except VersioningError as error:
        return KeptCode(dirty=str(error))


def diffstat(project: Project, before: str, after: str = "") -> list[str]:
    """The files of the project's own code that differ between two commits, as `model.py | 3 ++-`; or from now."""
    try:
        repository = repository_at(project.folder)
        after = after or _tree_of_now(repository, project)
        stat = repository.git.ask("diff", "--stat=80", before, after, "--", *_pathspecs(repository, project))
    except VersioningError:
        return []
    lines = [line.strip() for line in (stat or "").splitlines()]
    return lines[:-1]


def files_of(project: Project, commit: str) -> list[str]:
    """The project's own code in a commit, by path from the project's folder; without the documents' tools."""
    try:
        repository = repository_at(project.folder)
        blobs = repository.git.blobs(commit)
    except VersioningError:
        return []
    prefix = _prefix(repository, project)
    names = [path.removeprefix(prefix) for path in blobs if path.startswith(prefix)]
    code = [name for name in names if name.endswith(_KINDS) or name in _OWN]
    return [name for name in code if not name.startswith((*_NOT_CODE, "tools/"))]


def _changed(repository: Repository, project: Project) -> list[str]:
    """Paths of own code, from the top of the repository, that HEAD has otherwise or not at all."""
    arguments = ("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--")
    found = repository.git.run(*arguments, *_pathspecs(repository, project))
    return sorted(os.fsdecode(line[3:]) for line in found.split(b"\0") if line)


def _pathspecs(repository: Repository, project: Project) -> list[str]:
    """What of the project is its own code: Python, CWL, what it is and what it needs. Data and secrets are not."""
    prefix = _prefix(repository, project)
    kinds = [f":(top,glob){prefix}**/*{kind}" for kind in _KINDS]
    without = [f":(top,exclude,glob){prefix}{folder}**" for folder in _NOT_CODE]
    return [*(f":(top,literal){prefix}{name}" for name in _OWN), *kinds, *without]


def _prefix(repository: Repository, project: Project) -> str:
    """What the paths of the project's files begin with in git."""
    inside = project.folder.resolve().relative_to(repository.git.folder).as_posix()
    return "" if inside == "." else f"{inside}/"


def _why_not(repository: Repository, project: Project) -> str:
    """Why nothing may be committed on the branch now; empty where it may."""
    git = repository.git
    if git.ask("symbolic-ref", "--quiet", "HEAD") is None:
        return "no branch is checked out"
    if any((repository.git_dir / name).exists() for name in _BUSY):
        return "a merge or rebase is going on"
    if git.ask("rev-parse", "--verify", "--quiet", "HEAD") is None:
        return ""
    changed, edited = _changed(repository, project), _paths(git, "diff", "--name-only", "-z")
    # Own code that is staged as it is in its folder is committed as the user has meant it.
    staged = [
        path for path in _paths(git, "diff", "--cached", "--name-only", "-z") if path not in changed or path in edited
    ]
    if not staged:
        return ""
    more = f" and {len(staged) - _SHOWN} more" if len(staged) > _SHOWN else ""
    return f"you have staged {', '.join(staged[:_SHOWN])}{more}"


def _paths(git: Git, *arguments: str) -> list[str]:
    return [path for path in git.text(*arguments).split("\0") if path]


def _commit(repository: Repository, project: Project, run_id: str, index: Path) -> str:
    git = repository.git
    branch = git.text("symbolic-ref", "HEAD")
    parent = git.ask("rev-parse", "--verify", "--quiet", "HEAD")
    changed = _changed(repository, project)
    _stage(git, index, changed)
    made = git.commit(git.text("write-tree", index=index), parent, _message(repository, project, changed, run_id))
    git.run("update-ref", "-m", "commit: code of a training", branch, made, parent or NOTHING)
    return made


def _keep_aside(repository: Repository, project: Project, run_id: str, reason: str) -> KeptCode:
    git, head = repository.git, repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD")
    tree = _tree_of_now(repository, project)
    made = git.commit(tree, head, f"Code of {run_id}\n")
    git.run("update-ref", f"{_REF}{run_id}", made)
    diff = git.run("diff", "--binary", head or git.text("hash-object", "-t", "tree", "/dev/null"), tree)
    write_text_atomically(project.runs / f"{run_id}.diff", diff.decode("utf-8", "replace"))
    return KeptCode(made, reason)


def _tree_of_now(repository: Repository, project: Project) -> str:
    """A tree of HEAD with the project's own code as it is in its folder."""
    with _other_index(repository) as index:
        head = repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD")
        if head:
            repository.git.run("read-tree", head, index=index)
        _stage(repository.git, index, _changed(repository, project))
        return repository.git.text("write-tree", index=index)


def _stage(git: Git, index: Path, paths: Sequence[str]) -> None:
    """Have files in an index as they are in their folders; those that are gone are taken out."""
    given = b"".join(os.fsencode(path) + b"\0" for path in paths)
    git.run("update-index", "--add", "--remove", "-z", "--stdin", given=given, index=index)


@contextmanager
def _other_index(repository: Repository) -> Iterator[Path]:
    index = repository.git_dir / f"mlcraft-code-{unique_name()}"
    try:
        yield index
    finally:
        for left in (index, Path(f"{index}.lock")):
            left.unlink(missing_ok=True)


def _message(repository: Repository, project: Project, changed: Sequence[str], run_id: str) -> str:
    prefix = _prefix(repository, project)
    names = [path.removeprefix(prefix) for path in changed]
    own = [name for name in names if not name.endswith(".cwl")] or names
    more = f" and {len(names) - len(own[:_SHOWN])} more" if len(names) > len(own[:_SHOWN]) else ""
    return f"Change {', '.join(own[:_SHOWN])}{more}\n\nProject: {project.name}\nRun: {run_id}\n"
