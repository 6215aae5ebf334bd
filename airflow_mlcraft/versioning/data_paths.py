"""Validation of paths for data in a repository. Imports nothing heavy: it is used while a DAG file is parsed."""

from __future__ import annotations

from collections.abc import Iterable

_TOOL_FOLDERS = {".git", ".dvc"}
_TOOL_FILES = {".gitignore", ".dvcignore", ".gitmodules", ".gitattributes", "dvc.yaml", "dvc.lock"}


def find_path_fault(path: str) -> str:
    """Return why a path is invalid for data in a repository; "" if it is valid."""
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
    """Return two of the paths that are equal, or of which the second is below the first."""
    ancestors: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        while ancestors and not f"{path}/".startswith(f"{ancestors[-1]}/"):
            ancestors.pop()
        if ancestors:
            return ancestors[-1], path
        ancestors.append(path)
    return None
