"""Outputs of steps as data at paths of a repository: a File, a Directory, or a list of them as a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.safe_names import is_safe_name
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.object_paths import DIR_SUFFIX, Entry
from airflow_mlcraft.store.values import oid_of
from airflow_mlcraft.versioning.data_paths import find_overlap, find_path_fault
from airflow_mlcraft.versioning.dvc_files import SUFFIX, DvcData, build_ignore_line, parse_outputs
from airflow_mlcraft.versioning.git import Blob
from airflow_mlcraft.versioning.repository import Repository

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json
    from airflow_mlcraft.store.store import Store


def to_dvc_data(store: Store, value: Json, what: str) -> DvcData | None:
    """Convert a value to data; None for null. `what` names the value in error messages.

    A list becomes a folder in which each item has its own name, and so does a File with its secondary files.
    """
    if value is None:
        return None
    items = [item for item in (value if isinstance(value, list) else [value]) if item is not None]
    if any(isinstance(item, list) for item in items):
        raise VersioningError(f"{what} is a list of lists; only a plain list of files can be one folder")
    if not all(isinstance(item, dict) and item.get("class") in ("File", "Directory") for item in items):
        raise VersioningError(f"{what} is {_describe_value(value)}; only files and folders can be versioned as data")
    if isinstance(value, dict) and not value.get("secondaryFiles"):
        if oid := oid_of(value):
            return _measure(store, oid)
        items = value.get("listing", items)
    return _measure(store, store.add_listing(_name_entries(store, items, "", what)))


def _name_entries(store: Store, items: Json, prefix: str, what: str) -> Iterator[Entry]:
    """Iterate over the files of items in one folder; repeated names get a number."""
    used_names: set[str] = set()
    for item in [part for each in items for part in (each, *each.get("secondaryFiles", ()))]:
        basename = str(item["basename"])
        if not is_safe_name(basename):
            raise VersioningError(f"{what} has the basename {basename!r}, which is not a plain file name")
        stem, dot, suffix = basename.partition(".")
        name, number = basename, 1
        while name in used_names:
            number += 1
            name = f"{stem}_{number}{dot}{suffix}"
        used_names.add(name)
        yield from _list_entries(store, item, prefix + name, what)


def _list_entries(store: Store, item: Json, path: str, what: str) -> Iterator[Entry]:
    oid = oid_of(item)
    if oid.endswith(DIR_SUFFIX):
        yield from (Entry(f"{path}/{entry.relpath}", entry.md5) for entry in store.entries(oid))
    elif oid:
        yield Entry(path, oid)
    elif item["class"] == "Directory" and "location" not in item:
        yield from _name_entries(store, item.get("listing", ()), f"{path}/", what)
    else:
        raise VersioningError(f"{what} has {item.get('location', path)}, which is not in the store")


def _measure(store: Store, oid: str) -> DvcData:
    if not oid.endswith(DIR_SUFFIX):
        return DvcData(oid, store.path_of(oid).stat().st_size)
    entries = store.entries(oid)
    return DvcData(oid, sum(store.path_of(entry.md5).stat().st_size for entry in entries), len(entries))


def _describe_value(value: Json) -> str:
    if isinstance(value, list):
        return "a list that holds other values than files"
    return f"the value {value!r}" if not isinstance(value, dict) else "an object"


_GITLINK, _LINK = "160000", "120000"


@dataclass(frozen=True)
class Target:
    """Data and its path in the git repository; all paths are relative to git's folder."""

    path: str
    data: DvcData
    pointer: str
    name: str
    """The path of the data in the `.dvc` file, relative to it."""
    ignore: str
    """The `.gitignore` to add it to; "" if git ignores it already."""
    remote: str
    """The DVC remote that the `.dvc` file names; "" for the default."""
    pushed: bool
    """Whether its object is pushed to a remote: false with `push: false` in the `.dvc` file."""
    previous: DvcData | None
    """The data that the `.dvc` file points to now, if any."""
    changed: bool


def build_targets(repository: Repository, data: Mapping[str, DvcData], blobs: Mapping[str, Blob]) -> list[Target]:
    """Build the target of each path, given the files of the parent commit."""
    _check_paths(data)
    tracked_paths = dict(_find_tracked_paths(repository, blobs))
    for path in data:
        _check_overlap(repository.prefix + path, path, tracked_paths)
    _check_git(repository, data, blobs)
    ignored = _find_ignored(repository, data, blobs)
    return [_build_target(repository, path, item, tracked_paths, ignored) for path, item in sorted(data.items())]


def _build_target(
    repository: Repository,
    data_path: str,
    data: DvcData,
    tracked_paths: Mapping[str, tuple[str, dict[str, Any]]],
    ignored: Mapping[str, bool],
) -> Target:
    path = repository.prefix + data_path
    tracked_by, out = tracked_paths.get(path, (path + SUFFIX, {}))
    if not tracked_by.endswith(SUFFIX):
        raise VersioningError(f"{data_path} is an output of a stage in {tracked_by}; only `dvc repro` may change it")
    if out.get("imported"):
        raise VersioningError(
            f"{data_path} is imported by {tracked_by}, and comes from its source; choose another path"
        )
    if ignored.get(tracked_by):
        raise VersioningError(
            f"git ignores {tracked_by}, the pointer to {data_path}; change the .gitignore that says so"
        )
    previous = DvcData(str(out["md5"]), int(out.get("size", 0)), out.get("nfiles")) if out.get("md5") else None
    folder, _, name = path.rpartition("/")
    return Target(
        path=path,
        data=data,
        pointer=tracked_by,
        name=str(out.get("path", name)),
        ignore="" if ignored[path] else f"{folder}/.gitignore".lstrip("/"),
        remote=str(out.get("remote") or ""),
        pushed=out.get("push") is not False,
        previous=previous,
        changed=previous is None or previous.oid != data.oid or out.get("hash") != "md5",
    )


def _check_paths(data: Mapping[str, DvcData]) -> None:
    for path in data:
        if fault := find_path_fault(path):
            raise VersioningError(f"{path!r} cannot be the path of data: {fault}")
    if overlap := find_overlap(data):
        raise VersioningError("{} and {} overlap: data cannot be versioned at both".format(*overlap))


def _check_overlap(path: str, data_path: str, tracked_paths: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
    for other, (tracked_by, _) in tracked_paths.items():
        if other != path and (f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")):
            raise VersioningError(
                f"{data_path} overlaps with {other}, which {tracked_by} tracks; version one of the two, "
                f"or `dvc remove {tracked_by}` first"
            )


def _check_git(repository: Repository, data: Mapping[str, DvcData], blobs: Mapping[str, Blob]) -> None:
    staged = repository.git.list_index(repository.prefix + path for path in data)
    for data_path in data:
        path = repository.prefix + data_path
        for parent in [*reversed(PurePosixPath(path).parents), PurePosixPath(path)]:
            _check_parent(repository, str(parent), data_path, blobs)
        if git_file := next((file for file in (*blobs, *staged) if f"{file}/".startswith(f"{path}/")), ""):
            raise VersioningError(
                f"{data_path} is tracked by git ({git_file}), so DVC cannot track it; run "
                f"`git rm -r --cached {data_path}` and commit, or choose another path"
            )


def _check_parent(repository: Repository, parent: str, data_path: str, blobs: Mapping[str, Blob]) -> None:
    found = blobs.get(parent)
    if found is not None and found.mode == _GITLINK:
        raise VersioningError(f"{data_path} lies in the git submodule {parent}; version it in that repository")
    if found is not None and parent != repository.prefix + data_path:
        raise VersioningError(
            f"{data_path} cannot be: {parent} is a {'link' if found.mode == _LINK else 'file'} in git"
        )
    folder = repository.git.folder / parent
    if folder != repository.root and folder.is_relative_to(repository.root) and (folder / ".dvc").is_dir():
        raise VersioningError(f"{data_path} lies in another DVC repository, {parent}; version it in that one")
    if parent != repository.prefix + data_path and folder.is_symlink():
        raise VersioningError(
            f"{data_path} would leave the repository: {parent} is a link to {os.path.realpath(folder)}"
        )


def _find_tracked_paths(
    repository: Repository, blobs: Mapping[str, Blob]
) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Iterate over the paths that DVC tracks in a commit, with the file that tracks them and the output in it."""
    files = {
        path: blob.id
        for path, blob in blobs.items()
        if path.startswith(repository.prefix) and (path.endswith(SUFFIX) or path.endswith("dvc.yaml"))
    }
    texts = repository.git.read_blobs(files.values()) if files else {}
    for path, blob in files.items():
        outs = parse_outputs(texts[blob]) if path.endswith(SUFFIX) else list(_parse_stage_outputs(texts[blob]))
        for out in outs:
            data_path = os.path.normpath(PurePosixPath(path).parent / out["wdir"] / out["path"])
            yield Path(data_path).as_posix(), (path, out)


def _parse_stage_outputs(text: bytes) -> Iterator[dict[str, Any]]:
    """Parse the outputs of the stages in a `dvc.yaml`, without those that have variables in their paths."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        stages = (YAML(typ="safe").load(text) or {}).get("stages") or {}
    except (YAMLError, AttributeError):
        return
    for stage in stages.values():
        for kind in ("outs", "metrics", "plots"):
            for out in (stage.get(kind) or ()) if isinstance(stage, dict) else ():
                path = next(iter(out)) if isinstance(out, dict) else out
                if isinstance(path, str) and "${" not in path:
                    yield {"path": path, "wdir": str(stage.get("wdir", "."))}


def _find_ignored(repository: Repository, data: Mapping[str, DvcData], blobs: Mapping[str, Blob]) -> dict[str, bool]:
    """Return whether git ignores each data path, by a rule in the commit, and each `.dvc` file, by any rule."""
    queries: dict[str, str] = {}
    for data_path, item in data.items():
        path = repository.prefix + data_path
        queries[f"{path}/" if item.nfiles is not None else path] = path
    pointers = {f"{repository.prefix}{data_path}{SUFFIX}" for data_path in data}
    lines = "".join(f"{path}\0" for path in (*queries, *pointers)).encode("utf-8", "surrogateescape")
    # The exit code is 1 if git ignores none of them.
    output = os.fsdecode(
        repository.git.run("check-ignore", "-z", "-v", "--no-index", "--stdin", stdin=lines, max_exit_code=1)
    ).split("\0")
    rules: dict[str, tuple[str, str]] = {}
    for source, _, rule, path in zip(*[iter(output[: len(output) // 4 * 4])] * 4, strict=True):
        if rule and not rule.startswith("!"):
            rules[path] = (source, rule)
    committed = _read_committed_rules(repository, {source for source, _ in rules.values()}, blobs)
    found = {path: rules.get(key, ("", ""))[1] in committed.get(rules.get(key, ("", ""))[0], ())
             for key, path in queries.items()}  # fmt: skip
    return {**found, **{path: path in rules and path not in blobs for path in pointers}}


def _read_committed_rules(repository: Repository, sources: set[str], blobs: Mapping[str, Blob]) -> dict[str, list[str]]:
    files = {source: blobs[source].id for source in sources if source in blobs}
    texts = repository.git.read_blobs(files.values()) if files else {}
    return {source: texts[blob].decode("utf-8", "surrogateescape").split("\n") for source, blob in files.items()}


def group_ignore_lines(targets: list[Target]) -> dict[str, list[str]]:
    """Return the lines to add to each `.gitignore`."""
    lines: dict[str, list[str]] = {}
    for target in targets:
        if target.ignore:
            lines.setdefault(target.ignore, []).append(build_ignore_line(PurePosixPath(target.path).name))
    return lines
