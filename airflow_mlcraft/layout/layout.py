"""Where each step of a plan stands in a DAG: task ids, groups, and the scatters around them.

The DAG is built from this, and a running task finds its neighbours with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from airflow_mlcraft.cwl.plan import Plan, Step, Workflow
from airflow_mlcraft.layout.frames import Axis, Frame, Place, TaskIds
from airflow_mlcraft.layout.hints import DataHint, data_hints


@dataclass
class Layout:
    """A whole plan, laid out."""

    plan: Plan
    root: Frame
    outputs: str
    data: tuple[DataHint, ...] = ()
    """What is to have a version after each run."""
    version: str = ""
    """The task that does so; "" where nothing is to have one."""

    def version_of(self, step: str) -> str:
        """The task that versions what a step makes; "" where none does."""
        return self.version if any(hint.step == step for hint in self.data) else ""

    def place(self, path: str) -> Place:
        """The place of the step with the path `a/b/c`."""
        *outer, step = path.split("/")
        return self.frame("/".join(outer)).places[step]

    def frame(self, path: str) -> Frame:
        """The frame of the sub-workflow step with that path; the root for an empty one."""
        frame = self.root
        for name in path.split("/") if path else ():
            child = frame.places[name].child
            if child is None:
                raise KeyError(path)
            frame = child
        return frame


@lru_cache(maxsize=64)
def layout_of(plan: Plan, prefix: str = "") -> Layout:
    """Lay a plan out below a group prefix (`group.`), or as a DAG of its own."""
    ids = TaskIds(prefix)
    root = Frame(workflow=plan.root, path=(), prefix=prefix, entry="", axis=None)
    _lay(root, ids)
    root.entry = prefix + ids.task("inputs")
    outputs, data = prefix + ids.task("outputs"), data_hints(root)
    return Layout(plan, root, outputs, data, prefix + ids.task("version_data") if data else "")


def has_scatter(workflow: Workflow) -> bool:
    """Whether a scatter is anywhere in a workflow."""
    return any(step.scatter or (isinstance(step.run, Workflow) and has_scatter(step.run)) for step in workflow.steps)


def _lay(frame: Frame, ids: TaskIds) -> None:
    for step in frame.workflow.steps:
        frame.places[step.id] = _place(step, frame, ids)
    for place in frame.places.values():
        if place.step.scatter:
            place.items = frame.prefix + ids.task(f"{place.step.id}.items")
            place.axis = Axis(place.items, frame.axis)
        if isinstance(place.step.run, Workflow):
            place.child = _child(place, place.step.run)


def _place(step: Step, frame: Frame, ids: TaskIds) -> Place:
    if isinstance(step.run, Workflow):
        group = frame.prefix + ids.group(step.id)
        return Place(step, frame, task_id="", axis=frame.axis, group=group)
    return Place(step, frame, task_id=frame.prefix + ids.task(step.id), axis=frame.axis)


def _child(place: Place, workflow: Workflow) -> Frame:
    scattered = bool(place.step.scatter)
    inherits = place.frame.mapped_group and not scattered
    child = Frame(
        workflow=workflow,
        path=(*place.frame.path, place.step.id),
        prefix=place.group + ".",
        entry=place.items,
        axis=place.axis,
        scattered=scattered,
        # Airflow refuses a mapping inside a mapped group; a scatter further in maps over all items at once.
        mapped_group=inherits or (scattered and place.frame.axis is None and not has_scatter(workflow)),
    )
    ids = TaskIds(child.prefix)
    _lay(child, ids)
    if not scattered:
        child.entry = child.prefix + ids.task("inputs")
    place.task_id = child.entry
    return child
