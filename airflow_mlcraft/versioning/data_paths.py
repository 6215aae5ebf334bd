"""Validity of paths for data in a repository. Imports nothing heavy: it is used while a DAG file is parsed."""

from __future__ import annotations

from collections.abc import Iterable

_TOOL_FOLDERS = {".git", ".dvc"}
_TOOL_FILES = {".gitignore", ".dvcignore", ".gitmodules", ".gitattributes", "dvc.yaml", "dvc.lock"}


def find_path_fault(path: str) -> str:
    """Why a path cannot be that of data in a repository; "" if it can."""
    parts = path.split("/")
    if not path or path.startswith("/"):
        return "expected a path from the repository's folder, as data/raw.csv"
    if any(part in ("", ".", "..") for part in parts):
        return "it may not have empty parts, nor lead up with .."
    if any(not sign.isprintable() for sign in path) or "\\" in path:
        return "it has signs that git and DVC cannot both write"
    if _TOOL_FOLDERS & {part.lower() for part in parts} or parts[-1] in _TOOL_FILES or path.endswith(".dvc"):
        return "it belongs to git or DVC"
    return ""


def find_overlap(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two of the paths that are the same, or of which the second lies below the first."""
    before: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        while before and not f"{path}/".startswith(f"{before[-1]}/"):
            before.pop()
        if before:
            return before[-1], path
        before.append(path)
    return None
