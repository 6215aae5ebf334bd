"""Check of the places where cwltool puts a tool's files: none may be outside of the tool's folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from cwltool.job import JobBase
from cwltool.pathmapper import MapperEnt, PathMapper

from airflow_mlcraft.adapters.cwltool import check_path_mappers
from airflow_mlcraft.common.safe_names import is_safe_relative_path
from airflow_mlcraft.errors import UnsafeNameError


def guard_staging(job: JobBase, *, in_container: bool) -> None:
    """Refuse a job that would put a file outside of its folders, before it writes anything.

    cwltool knows the targets of a tool's inputs when the job is created, and those of its working folder when the job
    starts. A container has a file system of its own, in which a document may name any absolute path.
    """
    folders = [job.builder.stagedir, job.builder.outdir, job.builder.tmpdir]
    check_path_mappers(job, partial(check_targets, folders=folders, in_container=in_container))


def check_targets(mapper: PathMapper, folders: Sequence[str], *, in_container: bool) -> None:
    """Raise `UnsafeNameError` for a target that is not plain, or not in one of the folders, or behind a link."""
    entries = [entry for _, entry in mapper.items()]
    protected = {
        entry.target for entry in entries if _is_file(entry) or (not in_container and _is_linked_folder(entry))
    }
    for entry in entries:
        _check_target(entry, folders, anywhere=in_container)
        if entry.staged and (protected_parents := protected.intersection(_iter_parents(entry.target))):
            raise UnsafeNameError(
                f"{os.path.basename(entry.target)} would be written into {os.path.basename(protected_parents.pop())}, "  # noqa: PTH119
                "which is an input of that name; give the two different names"
            )


def _check_target(entry: MapperEnt, folders: Sequence[str], *, anywhere: bool) -> None:
    target = entry.target
    for folder in folders:
        root = folder.rstrip("/")
        if folder and target.startswith(f"{root}/") and is_safe_relative_path(target[len(root) + 1 :]):
            return
    if anywhere and target.startswith("/") and is_safe_relative_path(target[1:]):
        return
    raise UnsafeNameError(
        f"a file would be written to {os.path.normpath(target)}, outside of the tool's folder; "
        "give its basename or entryname a path that stays inside"
    )


def _is_file(entry: MapperEnt) -> bool:
    return bool(entry.staged and entry.type is not None and "File" in entry.type)


def _is_linked_folder(entry: MapperEnt) -> bool:
    """Whether an entry is a link to a folder elsewhere, so that files written into it would be written there."""
    return bool(entry.type == "Directory" and entry.staged and not entry.resolved.startswith("_:"))


def _iter_parents(path: str) -> Iterator[str]:
    while (parent := os.path.dirname(path)) != path:  # noqa: PTH120
        path = parent
        yield path
