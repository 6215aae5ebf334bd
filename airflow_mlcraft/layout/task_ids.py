"""Names that Airflow takes for names that people chose."""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 250
_FOREIGN = re.compile(r"[^A-Za-z0-9_.-]")
_MAX_GROUP = 48
_MIN_PART = 16
_ROOM_FOR_TASKS = 50


class TaskIds:
    """Hands out ids that are unique below one prefix, whatever their case, and stable for the same names.

    A name that Airflow would take stays as it is; another keeps what can be kept, and a hash tells it apart.
    """

    def __init__(self, prefix: str = ""):
        self.prefix = prefix
        self._taken: set[str] = set()

    def task(self, name: str) -> str:
        """An id for a task."""
        return self._give(name, name, MAX_LENGTH - len(self.prefix))

    def group(self, name: str) -> str:
        """An id for a task group: without dots, and short enough that tasks below it have room."""
        left = MAX_LENGTH - _ROOM_FOR_TASKS - len(self.prefix)
        return self._give(name, name.replace(".", "_"), max(_MIN_PART, min(_MAX_GROUP, left)))

    def _give(self, name: str, wanted: str, limit: int) -> str:
        kept = _FOREIGN.sub("_", wanted)
        if kept != name or len(kept) > limit or not kept or kept.lower() in self._taken:
            tail = hashlib.sha256(name.encode()).hexdigest()[:8]
            kept = f"{kept[: limit - 9]}_{tail}".lstrip("_")
        while kept.lower() in self._taken:
            kept = f"{kept[: limit - 2]}_2" if not kept.endswith("_2") else f"{kept[:-2]}_3"
        self._taken.add(kept.lower())
        return kept
