"""Names that Airflow takes for names that people chose."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_mlcraft.cwl.plan import Step, Workflow

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


@dataclass(frozen=True)
class Axis:
    """A scatter: the task that lists its items, and the scatter that is around it."""

    items: str
    parent: Axis | None


@dataclass
class Frame:
    """A workflow where it stands: the document's own, or the one that a step runs."""

    workflow: Workflow
    path: tuple[str, ...]
    prefix: str
    """What the ids of its tasks begin with."""
    entry: str
    """The task that works out its inputs."""
    axis: Axis | None
    """The innermost scatter that its tasks are mapped over."""
    scattered: bool = False
    """Whether that scatter is the one of the very step that this frame is."""
    mapped_group: bool = False
    """Whether its tasks are mapped together, as a group; otherwise each is mapped by itself."""
    places: dict[str, Place] = field(default_factory=dict)

    def frames(self) -> Iterator[Frame]:
        """This frame and all below it."""
        yield self
        for place in self.places.values():
            if place.child is not None:
                yield from place.child.frames()


@dataclass
class Place:
    """A step where it stands."""

    step: Step
    frame: Frame
    task_id: str
    """The task that runs it; for a sub-workflow, the task that works out its inputs."""
    axis: Axis | None
    """The scatter that the task is mapped over."""
    items: str = ""
    """The task that lists the items of its scatter."""
    group: str = ""
    child: Frame | None = None
