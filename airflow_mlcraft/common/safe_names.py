"""Checks of file names from untrusted sources: whether a name is a single component of a path."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.errors import UnsafeNameError

LONGEST = 255
"""Bytes that a name may have on the file systems in use."""

_DIGEST = 12
_SUFFIX = 8
_MAX_SHOWN_NAME = 80


def is_safe_name(name: object) -> bool:
    """Whether a name is a single component of a path, without references to other folders."""
    return not name_fault(name)


def name_fault(name: object) -> str:
    """The reason why a name is not a single component of a path; empty if it is one."""
    if not isinstance(name, str):
        return f"a name is a text, and this is {type(name).__name__}"
    if name in ("", ".", ".."):
        return "a name is neither empty nor made of dots that stand for a folder"
    if "/" in name or os.sep in name:
        return "a name has no slash"
    if "\0" in name:
        return "a name has no NUL character"
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:
        return "a name is valid text"
    return f"a name has at most {LONGEST} bytes" if length > LONGEST else ""


def safe_name(name: object, field: str = "basename") -> str:
    """The name itself; raises `UnsafeNameError` if it is not a single component of a path."""
    if fault := name_fault(name):
        shown = shorten(repr(name), _MAX_SHOWN_NAME)
        raise UnsafeNameError(
            f"the {field} {shown} cannot be the name of a file: {fault}; give a plain name such as table.csv"
        )
    return str(name)


def is_safe_relative_path(path: object) -> bool:
    """Whether a relative path with slashes stays inside of its folder."""
    return isinstance(path, str) and all(is_safe_name(part) for part in path.split("/"))


def check_names(value: Any) -> None:
    """Raise `UnsafeNameError` for a File or Directory, at any depth of a value, whose name is not safe."""
    for item in _files_and_directories(value):
        if item.get("basename") is not None:
            safe_name(item["basename"])
        # Both are parts of a name, and may be empty.
        for field in ("nameroot", "nameext"):
            if item.get(field) is not None:
                safe_name(f"x{item[field]}" if isinstance(item[field], str) else item[field], field)


def without_dirnames(value: Any) -> Any:
    """A value with Files and Directories without `dirname`, which is set when they are staged."""
    if isinstance(value, Mapping):
        of_file = value.get("class") in ("File", "Directory")
        return {key: without_dirnames(item) for key, item in value.items() if not (of_file and key == "dirname")}
    return [without_dirnames(item) for item in value] if isinstance(value, list) else value


def to_safe_name(text: str) -> str:
    """A safe name for an identifier such as a run's: the identifier itself if it is safe."""
    name = re.sub(r"[/\\:\0]", "_", text)
    if is_safe_name(name):
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    start = name.encode("utf-8", "replace")[: LONGEST - _DIGEST - 1].decode("utf-8", "ignore").strip(".")
    return f"{start}_{digest}"


def with_hash_suffix(name: str, max_length: int, *, hashed: str = "", separator: str = "_") -> str:
    """The start of a name and 8 digits of its hash, or of that of another text: at most so many characters."""
    digest = hashlib.sha256((hashed or name).encode()).hexdigest()[:_SUFFIX]
    return f"{name[: max_length - len(separator) - _SUFFIX]}{separator}{digest}"


def is_inside_folder(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Whether a path, with all symbolic links resolved, is a folder or below it."""
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _files_and_directories(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            yield value
        for item in value.values():
            yield from _files_and_directories(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _files_and_directories(item)
