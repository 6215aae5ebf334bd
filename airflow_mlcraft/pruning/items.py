"""The items that can be deleted, each with its place, size and last use, and the limits of age and size."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.object_paths import OBJECTS, is_oid

if TYPE_CHECKING:
    from airflow_mlcraft.pruning.locations import Locations


OBJECT = "objects of the store"
REUSE = "records of reuse"
STATE = "state of steps"
OUTPUTS = "outputs of runs"
PLAN = "compiled documents"
ENVIRONMENT = "Python environments"
REFUSED = "refused tracking records"
NOTE = "notes of tracked runs"
PREDICTIONS = "prediction logs"
LOG = "logs of runs"
KINDS = (OBJECT, REUSE, STATE, OUTPUTS, PLAN, ENVIRONMENT, REFUSED, NOTE, PREDICTIONS, LOG)
_DIGEST = re.compile(r"[0-9a-f]{16,}")
_ROTATED = re.compile(r"\.\d+\.jsonl$")


@dataclass(frozen=True)
class Item:
    """A file or a folder that can be deleted as a whole."""

    kind: str
    path: Path
    size: int
    last_used: float
    oid: str = ""


def find_items(locations: Locations) -> Iterator[Item]:
    """Find everything that runs have left in the locations."""
    yield from _find_objects(locations.store)
    yield from _find_files(REUSE, locations.store / "reuse", "*/*.json")
    yield from _find_folders(STATE, (locations.store / "state").glob("*/*"))
    yield from _find_files(STATE, locations.store / "fused", "*/*.jsonl")
    if locations.outputs:
        found = map(Path, sorted(glob.glob(locations.outputs)))  # noqa: PTH207
        yield from _find_folders(OUTPUTS, (path for path in found if path not in locations.needed))
    if locations.cache is not None:
        yield from _find_unused_plans(locations.cache)
    if locations.environments is not None:
        yield from _find_environments(locations.environments)
    if locations.spool is not None:
        yield from _find_files(REFUSED, locations.spool, "*/refused/*.jsonl")
        yield from _find_files(NOTE, locations.spool, "*/runs/[!.]*")
    if locations.deployments is not None:
        yield from _find_prediction_logs(locations.deployments)
    if locations.logs is not None:
        yield from _find_files(LOG, locations.logs, "*.log")


def get_last_use(state: os.stat_result) -> float:
    """Return when a file was last written, added again, linked or unlinked.

    A link from a task's folder changes the time of the inode, whoever owns the file; adding an object a second
    time changes the access time (see `Store.mark_used`).
    """
    return max(state.st_atime, state.st_mtime, state.st_ctime)


def _find_objects(root: Path) -> Iterator[Item]:
    for folder in sorted((root / OBJECTS).glob("[0-9a-f][0-9a-f]")):
        with os.scandir(folder) as entries:
            for entry in entries:
                oid = folder.name + entry.name
                if is_oid(oid) and entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    yield Item(OBJECT, Path(entry.path), state.st_size, get_last_use(state), oid)


def _find_files(kind: str, root: Path, pattern: str) -> Iterator[Item]:
    for path in sorted(root.glob(pattern)):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            yield Item(kind, path, state.st_size, state.st_mtime)


def _find_folders(kind: str, paths: Iterator[Path]) -> Iterator[Item]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield _measure_folder(kind, path)


def _measure_folder(kind: str, path: Path) -> Item:
    """Return a folder as one item; its last use is the latest modification time in it."""
    size, last_used = 0, path.stat().st_mtime
    for parent, _, names in os.walk(path):
        last_used = max(last_used, os.stat(parent).st_mtime)  # noqa: PTH116
        for name in names:
            state = os.lstat(os.path.join(parent, name))  # noqa: PTH118
            # A hardlink of an object takes no space of its own.
            size += state.st_size if state.st_nlink == 1 else 0
            last_used = max(last_used, state.st_mtime)
    return Item(kind, path, size, last_used)


def _find_environments(root: Path) -> Iterator[Item]:
    for ready in sorted(root.glob("*/ready.json")):
        folder = _measure_folder(ENVIRONMENT, ready.parent)
        # Python may write bytecode at any time; each use by a step touches `ready.json`.
        yield Item(ENVIRONMENT, ready.parent, folder.size, ready.stat().st_mtime)


def _find_unused_plans(root: Path) -> Iterator[Item]:
    """Find the records of deleted documents, and plans and tools that no other record refers to."""
    needed: set[str] = set()
    for path in sorted((root / "documents").glob("*.json")):
        try:
            text = path.read_text("utf-8")
            sources = [source["path"] for source in json.loads(text)["sources"]]
        except (OSError, ValueError, KeyError, TypeError):
            text, sources = "", []
        if sources and any(map(os.path.exists, sources)):
            needed.update(_DIGEST.findall(text))
        else:
            yield from _find_files(PLAN, path.parent, path.name)
    plans = [path for path in (root / "plans").glob("*.json") if path.stem in needed]
    for path in plans:
        needed.update(_DIGEST.findall(path.read_text("utf-8")))
    for folder in ("plans", "bases", "tools"):
        for item in _find_files(PLAN, root / folder, "*.json"):
            if item.path.stem not in needed:
                yield item


def _find_prediction_logs(root: Path) -> Iterator[Item]:
    from airflow_mlcraft.serving.process import local_server

    for deployment in sorted(root.glob("*/")):
        # A running server writes to the newest file.
        running_server = local_server.find_running(deployment)
        for item in _find_files(PREDICTIONS, deployment / "predictions", "*.jsonl"):
            if not running_server or _ROTATED.search(item.path.name):
                yield item


DEFAULT_AGE = "30d"
_AGES = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS = (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12))


def parse_limits(older_than: str, keep: str) -> tuple[float | None, int | None]:
    """Parse an age such as `30d` and a size such as `20GB`; if neither is given, the age is 30 days."""
    return _parse_age(older_than or ("" if keep else DEFAULT_AGE)), _parse_size(keep)


def format_bytes(size: int) -> str:
    """Format a size with a suitable unit."""
    unit, factor = next((one for one in reversed(_UNITS) if size >= one[1]), ("B", 1))
    return f"{size} B" if unit == "B" else f"{size / factor:.1f} {unit}"


def _parse_age(text: str) -> float | None:
    """Parse `12h`, `30d` or `8w` to seconds; None for ""."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip())
    if found is None:
        raise MlcraftError(f"the age is {text!r}; expected a number with h, d or w, as 30d")
    return float(found[1]) * _AGES[found[2]]


def _parse_size(text: str) -> int | None:
    """Parse `500MB` or `20GB` to bytes; None for ""."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise MlcraftError(f"the size is {text!r}; expected a number with MB, GB or TB, as 20GB")
    return int(float(found[1]) * _SIZES[found[2].upper()])
