"""Selection of the items to delete by age and size, and their deletion while tasks may run."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError, StoreError
from airflow_mlcraft.pruning.items import KINDS, OBJECT, OUTPUTS, Item, find_items, get_last_use
from airflow_mlcraft.pruning.references import References, find_references
from airflow_mlcraft.store.object_paths import DIR_SUFFIX, parse_dir_object
from airflow_mlcraft.store.task_folders import remove_path

if TYPE_CHECKING:
    from airflow_mlcraft.pruning.locations import Locations

logger = logging.getLogger(__name__)

DAY = 86400.0
GRACE = DAY
"""Seconds for which items stay after their last use, whatever the limits: a running DAG run may need them."""
_IN_A_FOLDER = "a folder that stays"
_DELETION_ORDER = dict.fromkeys(KINDS, 1) | {OBJECT: 0, OUTPUTS: 2}
"""Objects are deleted first: unlinking an output changes the times of the object that it is a hardlink of."""


@dataclass(frozen=True)
class Pruning:
    """The items to delete in some locations, or those deleted."""

    location: str
    items: tuple[Item, ...]
    all_items: tuple[Item, ...]
    kept: Mapping[str, int]
    """How many objects stay although they are old, by the kind of their reference."""
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """The size of the items to delete, in bytes."""
        return sum(item.size for item in self.items)

    @property
    def size_before(self) -> int:
        """The size of all items, in bytes."""
        return sum(item.size for item in self.all_items)

    def to_json(self, deleted: bool) -> dict[str, Any]:
        """Return the data for `--json`."""
        kinds = {
            kind: {
                "all": sum(item.kind == kind for item in self.all_items),
                "deleted" if deleted else "to_delete": sum(item.kind == kind for item in self.items),
                "bytes": sum(item.size for item in self.items if item.kind == kind),
            }
            for kind in KINDS
        }
        return {
            "places": self.location,
            "deleted": deleted,
            "bytes": self.size,
            "bytes_before": self.size_before,
            "kinds": kinds,
            "kept_although_old": dict(self.kept),
            "notes": list(self.notes),
            "failures": list(self.failures),
        }


def plan_pruning(
    locations: Locations, *, older_than: float | None = None, keep: int | None = None, now: float | None = None
) -> Pruning:
    """Choose what to delete: items not used for `older_than` seconds and, of the rest, the least recently used until
    `keep` bytes are left. Referenced items stay, and so do items used within a day.
    """
    now = time.time() if now is None else now
    items = tuple(find_items(locations))
    oldest_allowed = now - GRACE
    limit = oldest_allowed if older_than is None else min(now - older_than, oldest_allowed)
    # Only objects are referenced; without objects the references need not be read.
    references = find_references(locations, limit) if any(item.oid for item in items) else References()
    chooser = _Chooser(items, references.kind_of)
    if older_than is None:
        limit = 0.0
    chosen, kept = chooser.choose(limit)
    total = sum(item.size for item in items)
    if keep is not None and total - _size(chosen) > keep:
        moments = sorted({item.last_used for item in items if limit < item.last_used <= oldest_allowed})
        # Bisects for the earliest time such that deleting items used up to it leaves `keep` bytes; else the last time.
        index = bisect_left(moments, True, key=lambda moment: total - _size(chooser.choose(moment)[0]) <= keep)
        if moments:
            chosen, kept = chooser.choose(moments[min(index, len(moments) - 1)])
    return Pruning(locations.name, chosen, items, kept, tuple(references.notes))


class _Chooser:
    """Chooses the items to delete for a limit of time. The files of a listing that stays, stay too."""

    def __init__(self, items: Iterable[Item], kind_of: Mapping[str, str]):
        self._items = tuple(items)
        self._kind_of = kind_of
        self._listings: dict[str, list[str]] = {}

    def choose(self, limit: float) -> tuple[tuple[Item, ...], Mapping[str, int]]:
        """Return the items last used up to the limit without references, and the number of old items that stay."""
        needed = dict(self._kind_of)
        for item in self._items:
            if item.oid.endswith(DIR_SUFFIX) and (item.last_used > limit or item.oid in needed):
                reason = self._kind_of.get(item.oid, _IN_A_FOLDER)
                for oid in self._entries(item):
                    needed.setdefault(oid, reason)
        old = [item for item in self._items if item.last_used <= limit]
        kept = Counter(needed[item.oid] for item in old if item.oid in needed)
        return tuple(item for item in old if not item.oid or item.oid not in needed), kept

    def _entries(self, item: Item) -> list[str]:
        if item.oid not in self._listings:
            try:
                self._listings[item.oid] = [entry.md5 for entry in parse_dir_object(item.oid, item.path.read_bytes())]
            except (OSError, StoreError):
                # Deleted meanwhile, or damaged: it cannot be checked out in either case.
                self._listings[item.oid] = []
        return self._listings[item.oid]


def delete_items(pruning: Pruning) -> Pruning:
    """Delete the chosen items unless they were used since; return the deleted items and the failures."""
    deleted, failures = [], []
    # Listings before their files, so that no listing is left whose files are missing.
    for item in sorted(pruning.items, key=lambda item: (_DELETION_ORDER[item.kind], not item.oid.endswith(DIR_SUFFIX))):
        try:
            if _is_unused(item):
                remove_path(item.path)
                deleted.append(item)
        except OSError as error:
            failures.append(f"{item.path} cannot be deleted: {error.strerror or error}")
    return Pruning(pruning.location, tuple(deleted), pruning.all_items, pruning.kept, pruning.notes, tuple(failures))


def _is_unused(item: Item) -> bool:
    """Whether an item was not used since it was found."""
    try:
        state = item.path.stat()
    except FileNotFoundError:
        return False
    return (get_last_use(state) if item.oid else state.st_mtime) <= item.last_used


def _size(items: Iterable[Item]) -> int:
    return sum(item.size for item in items)


def prune_airflow(older_than: str, keep: str, *, delete_it: bool) -> dict[str, Any]:
    """Delete old items of this Airflow in a task, and log the result."""
    from airflow_mlcraft.pruning.items import format_bytes, parse_limits
    from airflow_mlcraft.pruning.locations import get_airflow_locations

    age, size = parse_limits(older_than, keep)
    pruning = plan_pruning(get_airflow_locations(), older_than=age, keep=size)
    if delete_it:
        pruning = delete_items(pruning)
    for line in (*pruning.notes, *pruning.failures):
        logger.warning("%s", line)
    done = "deleted" if delete_it else "would go"
    logger.info("%s of %s %s", format_bytes(pruning.size), format_bytes(pruning.size_before), done)
    if pruning.failures:
        raise MlcraftError(f"{len(pruning.failures)} could not be deleted; the first: {pruning.failures[0]}")
    return pruning.to_json(delete_it)
