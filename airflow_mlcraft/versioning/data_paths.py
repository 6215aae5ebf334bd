"""Which paths may be given to data. Imports nothing: documents are checked with it while a DAG file is parsed."""

from __future__ import annotations

from collections.abc import Iterable

_OF_TOOLS = {".git", ".dvc"}
_FILES_OF_TOOLS = {".gitignore", ".dvcignore", ".gitmodules", ".gitattributes", "dvc.yaml", "dvc.lock"}


def fault_of(path: str) -> str:
    """Why a path cannot be one of data in a repository; nothing when it can."""
    parts = path.split("/")
    if not path or path.startswith("/"):
        return "expected a path from the repository's folder, as data/raw.csv"
    if any(part in ("", ".", "..") for part in parts):
        return "it may not have empty parts, nor lead up with .."
    if any(not sign.isprintable() for sign in path) or "\\" in path:
        return "it has signs that git and DVC cannot both write"
    if _OF_TOOLS & {part.lower() for part in parts} or parts[-1] in _FILES_OF_TOOLS or path.endswith(".dvc"):
        return "it belongs to git or DVC"
    return ""


def first_overlap(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two of the paths that are the same, or of which the second lies below the first."""
    before: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        while before and not f"{path}/".startswith(f"{before[-1]}/"):
            before.pop()
        if before:
            return before[-1], path
        before.append(path)
    return None
