"""Where steps stand: in which workflow, under which task id, within which scatters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_mlcraft.cwl.plan import Step, Workflow


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
