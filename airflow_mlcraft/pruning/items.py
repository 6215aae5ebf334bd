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
    from airflow_mlcraft.pruning.locations import Places


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
    """A file or a folder that stands or goes as a whole."""

    kind: str
    path: Path
    size: int
    used: float
    oid: str = ""


def find_items(places: Places) -> Iterator[Item]:
    """Everything that runs have left in these places."""
    yield from _objects(places.store)
    yield from _files(REUSE, places.store / "reuse", "*/*.json")
    yield from _folders(STATE, (places.store / "state").glob("*/*"))
    if places.outputs:
        found = map(Path, sorted(glob.glob(places.outputs)))  # noqa: PTH207
        yield from _folders(OUTPUTS, (path for path in found if path not in places.needed))
    if places.cache is not None:
        yield from _plans(places.cache)
    if places.environments is not None:
        yield from _environments(places.environments)
    if places.spool is not None:
        yield from _files(REFUSED, places.spool, "*/refused/*.jsonl")
        yield from _files(NOTE, places.spool, "*/runs/[!.]*")
    if places.deployments is not None:
        yield from _predictions(places.deployments)
    if places.logs is not None:
        yield from _files(LOG, places.logs, "*.log")


def last_use(state: os.stat_result) -> float:
    """When a file was made, kept again, linked to or unlinked last.

    A link from a task's folder changes the time of the inode, whoever owns the file; that an object was kept a second
    time changes the time of access (see `Store.touch`).
    """
    return max(state.st_atime, state.st_mtime, state.st_ctime)


def _objects(root: Path) -> Iterator[Item]:
    for folder in sorted((root / OBJECTS).glob("[0-9a-f][0-9a-f]")):
        with os.scandir(folder) as entries:
            for entry in entries:
                oid = folder.name + entry.name
                if is_oid(oid) and entry.is_file(follow_symlinks=False):
                    state = entry.stat(follow_symlinks=False)
                    yield Item(OBJECT, Path(entry.path), state.st_size, last_use(state), oid)


def _files(kind: str, root: Path, pattern: str) -> Iterator[Item]:
    for path in sorted(root.glob(pattern)):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            yield Item(kind, path, state.st_size, state.st_mtime)


def _folders(kind: str, paths: Iterator[Path]) -> Iterator[Item]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield _folder(kind, path)


def _folder(kind: str, path: Path) -> Item:
    """A folder with all that is in it. A link to an object has the object's times, so folders count more than files."""
    size, used = 0, path.stat().st_mtime
    for parent, _, names in os.walk(path):
        used = max(used, os.stat(parent).st_mtime)  # noqa: PTH116
        for name in names:
            state = os.lstat(os.path.join(parent, name))  # noqa: PTH118
            # What is an object as well takes no room of its own.
            size += state.st_size if state.st_nlink == 1 else 0
            used = max(used, state.st_mtime)
    return Item(kind, path, size, used)


def _environments(root: Path) -> Iterator[Item]:
    for ready in sorted(root.glob("*/ready.json")):
        folder = _folder(ENVIRONMENT, ready.parent)
        # Python writes bytecode whenever it likes; each use by a step touches the note.
        yield Item(ENVIRONMENT, ready.parent, folder.size, ready.stat().st_mtime)


def _plans(root: Path) -> Iterator[Item]:
    """The notes of documents that are gone, and plans and tools that no other note leads to."""
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
            yield from _files(PLAN, path.parent, path.name)
    plans = [path for path in (root / "plans").glob("*.json") if path.stem in needed]
    for path in plans:
        needed.update(_DIGEST.findall(path.read_text("utf-8")))
    for folder in ("plans", "bases", "tools"):
        for item in _files(PLAN, root / folder, "*.json"):
            if item.path.stem not in needed:
                yield item


def _predictions(root: Path) -> Iterator[Item]:
    from airflow_mlcraft.serving.process import local_server

    for deployment in sorted(root.glob("*/")):
        # A server that runs holds its files open, and writes on into the newest.
        serving = local_server.find_running(deployment)
        for item in _files(PREDICTIONS, deployment / "predictions", "*.jsonl"):
            if not serving or _ROTATED.search(item.path.name):
                yield item


DEFAULT_AGE = "30d"
_AGES = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS = (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12))


def parse_limits(older_than: str, keep: str) -> tuple[float | None, int | None]:
    """Seconds and bytes of `30d` and `20GB`; where neither is given, the age is 30 days."""
    return _parse_age(older_than or ("" if keep else DEFAULT_AGE)), _parse_size(keep)


def format_bytes(size: int) -> str:
    """A size with the unit that fits it."""
    unit, factor = next((one for one in reversed(_UNITS) if size >= one[1]), ("B", 1))
    return f"{size} B" if unit == "B" else f"{size / factor:.1f} {unit}"


def _parse_age(text: str) -> float | None:
    """Seconds of `12h`, `30d`, `8w`; None of nothing."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip())
    if found is None:
        raise MlcraftError(f"the age is {text!r}; expected a number with h, d or w, as 30d")
    return float(found[1]) * _AGES[found[2]]


def _parse_size(text: str) -> int | None:
    """Bytes of `500MB`, `20GB`; None of nothing."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise MlcraftError(f"the size is {text!r}; expected a number with MB, GB or TB, as 20GB")
    return int(float(found[1]) * _SIZES[found[2].upper()])
