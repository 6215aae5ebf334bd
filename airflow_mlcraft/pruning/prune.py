"""What is to be deleted by age and by size, and its deletion beside tasks that run."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError, StoreError
from airflow_mlcraft.pruning.items import KINDS, OBJECT, OUTPUTS, Item, find_items, last_use
from airflow_mlcraft.pruning.references import Named, find_named
from airflow_mlcraft.store.object_paths import DIR_SUFFIX, parse_dir_object
from airflow_mlcraft.store.task_folders import remove_path

if TYPE_CHECKING:
    from airflow_mlcraft.pruning.locations import Places

logger = logging.getLogger(__name__)

DAY = 86400.0
GRACE = DAY
"""Seconds for which nothing is deleted that was used, whatever was asked: a run that goes on may need it."""
_IN_A_FOLDER = "a folder that stays"
_PASSED_ON = dict.fromkeys(KINDS, 1) | {OBJECT: 0, OUTPUTS: 2}
"""Objects go first: to unlink an output changes the times of the object that it is a name of."""


@dataclass(frozen=True)
class Pruning:
    """What would be deleted in some places, or what was."""

    places: str
    items: tuple[Item, ...]
    all_items: tuple[Item, ...]
    kept: Mapping[str, int]
    """How many objects stay although they are old, by what names them."""
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """The bytes of what is deleted."""
        return sum(item.size for item in self.items)

    @property
    def size_before(self) -> int:
        """The bytes of everything."""
        return sum(item.size for item in self.all_items)

    def to_json(self, deleted: bool) -> dict[str, Any]:
        """As `--json` shows it."""
        kinds = {
            kind: {
                "all": sum(item.kind == kind for item in self.all_items),
                "deleted" if deleted else "to_delete": sum(item.kind == kind for item in self.items),
                "bytes": sum(item.size for item in self.items if item.kind == kind),
            }
            for kind in KINDS
        }
        return {
            "places": self.places,
            "deleted": deleted,
            "bytes": self.size,
            "bytes_before": self.size_before,
            "kinds": kinds,
            "kept_although_old": dict(self.kept),
            "notes": list(self.notes),
            "failures": list(self.failures),
        }


def plan_pruning(
    places: Places, *, older_than: float | None = None, keep: int | None = None, now: float | None = None
) -> Pruning:
    """What may go: all that was not used for `older_than` seconds and, of the rest, what was used longest ago until
    `keep` bytes are left. What is named stays, and so does what was used within a day.
    """
    now = time.time() if now is None else now
    items = tuple(find_items(places))
    oldest_allowed = now - GRACE
    limit = oldest_allowed if older_than is None else min(now - older_than, oldest_allowed)
    # Only objects are named; where there are none, nobody needs to be asked.
    named = find_named(places, limit) if any(item.oid for item in items) else Named()
    chooser = _Chooser(items, named.by)
    if older_than is None:
        limit = 0.0
    chosen, kept = chooser.choose(limit)
    total = sum(item.size for item in items)
    if keep is not None and total - _size(chosen) > keep:
        moments = sorted({item.used for item in items if limit < item.used <= oldest_allowed})
        # The earliest moment that leaves little enough: what was used up to it goes. Else the last that may go.
        enough = bisect_left(moments, True, key=lambda moment: total - _size(chooser.choose(moment)[0]) <= keep)
        if moments:
            chosen, kept = chooser.choose(moments[min(enough, len(moments) - 1)])
    return Pruning(places.name, chosen, items, kept, tuple(named.notes))


class _Chooser:
    """Chooses what goes at a limit. A listing that stays keeps its files."""

    def __init__(self, items: Iterable[Item], named: Mapping[str, str]):
        self._items = tuple(items)
        self._named = named
        self._listings: dict[str, list[str]] = {}

    def choose(self, limit: float) -> tuple[tuple[Item, ...], Mapping[str, int]]:
        """What was used up to the limit and is not named; and how much else stays, by what names it."""
        needed = dict(self._named)
        for item in self._items:
            if item.oid.endswith(DIR_SUFFIX) and (item.used > limit or item.oid in needed):
                why = self._named.get(item.oid, _IN_A_FOLDER)
                for oid in self._entries(item):
                    needed.setdefault(oid, why)
        old = [item for item in self._items if item.used <= limit]
        kept = Counter(needed[item.oid] for item in old if item.oid in needed)
        return tuple(item for item in old if not item.oid or item.oid not in needed), kept

    def _entries(self, item: Item) -> list[str]:
        if item.oid not in self._listings:
            try:
                self._listings[item.oid] = [entry.md5 for entry in parse_dir_object(item.oid, item.path.read_bytes())]
            except (OSError, StoreError):
                # Gone meanwhile, or damaged: nothing can be checked out with it either way.
                self._listings[item.oid] = []
        return self._listings[item.oid]


def delete(pruning: Pruning) -> Pruning:
    """Delete what was chosen, unless it was used since; gives what is gone, and a sentence for what could not go."""
    gone, failures = [], []
    # Listings before their files, so that no folder is left that lacks some.
    for item in sorted(pruning.items, key=lambda item: (_PASSED_ON[item.kind], not item.oid.endswith(DIR_SUFFIX))):
        try:
            if _is_unused(item):
                remove_path(item.path)
                gone.append(item)
        except OSError as error:
            failures.append(f"{item.path} cannot be deleted: {error.strerror or error}")
    return Pruning(pruning.places, tuple(gone), pruning.all_items, pruning.kept, pruning.notes, tuple(failures))


def _is_unused(item: Item) -> bool:
    """Whether a file or a folder is still as it was found."""
    try:
        state = item.path.stat()
    except FileNotFoundError:
        return False
    return (last_use(state) if item.oid else state.st_mtime) <= item.used


def _size(items: Iterable[Item]) -> int:
    return sum(item.size for item in items)


def prune_airflow(older_than: str, keep: str, *, delete_it: bool) -> dict[str, Any]:
    """Prune the folders of this Airflow in a task, and log what is deleted."""
    from airflow_mlcraft.pruning.items import format_bytes, parse_limits
    from airflow_mlcraft.pruning.locations import places_of_airflow

    age, size = parse_limits(older_than, keep)
    pruning = plan_pruning(places_of_airflow(), older_than=age, keep=size)
    if delete_it:
        pruning = delete(pruning)
    for line in (*pruning.notes, *pruning.failures):
        logger.warning("%s", line)
    done = "deleted" if delete_it else "would go"
    logger.info("%s of %s %s", format_bytes(pruning.size), format_bytes(pruning.size_before), done)
    if pruning.failures:
        raise MlcraftError(f"{len(pruning.failures)} could not be deleted; the first: {pruning.failures[0]}")
    return pruning.to_json(delete_it)
