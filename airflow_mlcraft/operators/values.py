"""Reading what earlier tasks of the same run have made: the values of a frame's inputs and of its steps.

What tasks push: a step its outputs; a task that works out inputs those inputs; a task that lists the items of
a scatter short labels as its return value (Airflow maps over them) and the items themselves under another key.
A mapped instance pushes one value, or a list of them when it stands for a chunk of items; null means skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

from airflow_mlcraft.cwl.plan import Json, Link
from airflow_mlcraft.cwl.scatter import regroup
from airflow_mlcraft.cwl.step_inputs import ValueOf, gather, value_of_link
from airflow_mlcraft.errors import LinkError
from airflow_mlcraft.layout.tasks import ScatterAxis, StepLayout, WorkflowLayout
from airflow_mlcraft.operators.xcom_overflow import restored
from airflow_mlcraft.store.values import EMPTY_FOLDERS

ITEMS = "items"
"""The XCom key of the items of a scatter."""


UPDATES = "updates"
"""The XCom key of what a step has changed in place: the new File or Directory for each old location."""


class TaskInstance(Protocol):
    """The part of Airflow's task instance that values are read with."""

    map_index: int | None

    def xcom_pull(self, task_ids: str, *, key: str = ..., map_indexes: Any = ...) -> Any:
        """A value that another task has pushed."""


@dataclass(frozen=True)
class Items:
    """The items of a scatter, over all items of the scatters around it."""

    jobs: Sequence[dict[str, Json] | None]
    """The inputs of each item; null where it is to be skipped."""
    parents: Sequence[int]
    """For each item, the item of the scatter around that it belongs to."""
    shapes: Sequence[Sequence[int] | None]
    """For each item of the scatter around, the shape of what it was split into; null where it is skipped."""
    names: Sequence[str] = ()
    """What people call the mapped instances."""
    chunk: int = 1
    """How many items one mapped instance runs."""

    def to_json(self) -> Json:
        """For an XCom."""
        return asdict(self)

    def of_instance(self, map_index: int) -> range:
        """The items that a mapped instance runs."""
        start = map_index * self.chunk
        return range(start, min(start + self.chunk, len(self.jobs)))

    def below(self, parent: int) -> list[int]:
        """The items that one item of the scatter around was split into."""
        return [index for index, of in enumerate(self.parents) if of == parent]


class Values:
    """The values of one run, each read once, for a task that is mapped over `axis`."""

    def __init__(self, ti: TaskInstance, axis: ScatterAxis | None = None):
        self.ti = ti
        self._axis = axis
        self._items: dict[str, Items] = {}
        self._all: dict[str, list[Json]] = {}
        self._one: dict[tuple[str, int], Json] = {}

    def items(self, axis: ScatterAxis) -> Items:
        """The items of a scatter."""
        if axis.items_task_id not in self._items:
            data = restored(self.ti.xcom_pull(axis.items_task_id, key=ITEMS, map_indexes=-1))
            # The list task is skipped with the workflow around it.
            self._items[axis.items_task_id] = Items(**data) if data else Items((), (), (None,))
        return self._items[axis.items_task_id]

    def own_items(self) -> Sequence[int]:
        """The items that the running task instance stands for; item 0 when nothing is scattered."""
        if self._axis is None:
            return (0,)
        return self.items(self._axis).of_instance(self.ti.map_index or 0)

    def own_name(self) -> str:
        """What people call the running task instance; nothing when nothing is scattered."""
        names = self.items(self._axis).names if self._axis is not None else ()
        index = self.ti.map_index or 0
        return names[index] if 0 <= index < len(names) else ""

    def chunked(self) -> bool:
        """Whether mapped instances of the running task stand for several items each."""
        return self._axis is not None and self.items(self._axis).chunk > 1

    def frame_inputs(self, workflow_layout: WorkflowLayout, item: int) -> dict[str, Json] | None:
        """The inputs of a workflow, for one item of the scatter around; None when it is skipped."""
        if workflow_layout.is_scattered and workflow_layout.axis is not None:
            return self.items(workflow_layout.axis).jobs[item]
        inputs: dict[str, Json] | None = self._of_task(workflow_layout.inputs_task_id, workflow_layout.axis, item)
        return inputs

    def step_inputs(self, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """What a step's links bring, before scatter and expressions; None when the workflow around is skipped."""
        inputs = self.frame_inputs(step_layout.parent, item)
        if inputs is None:
            return None
        try:
            job: dict[str, Json] = gather(step_layout.step.links, self._value_of(step_layout.parent, item, inputs))
            changed: dict[str, Json] = updated(job, self._updates(step_layout.parent, item, step_layout.step.links))
            return changed
        except LinkError as error:
            raise LinkError(f"step {step_layout.step.id}: {error}") from error

    def outputs(self, workflow_layout: WorkflowLayout, item: int = 0) -> dict[str, Json]:
        """The outputs of a workflow; all null when it was skipped."""
        inputs = self.frame_inputs(workflow_layout, item)
        if inputs is None:
            return dict.fromkeys((link.id for link in workflow_layout.workflow.outputs), None)
        value_of = self._value_of(workflow_layout, item, inputs)
        outputs = {link.id: value_of_link(link, value_of) for link in workflow_layout.workflow.outputs}
        changed: dict[str, Json] = updated(
            outputs, self._updates(workflow_layout, item, workflow_layout.workflow.outputs)
        )
        return changed

    def step_output(self, step_layout: StepLayout, output: str) -> Json:
        """What a step has made; in a scatter, a list with what it has made of each item."""
        workflow_layout = step_layout.parent
        made = [
            None if inputs is None else self._source(workflow_layout, item, inputs, f"{step_layout.step.id}/{output}")
            for item in (range(len(self.items(workflow_layout.axis).jobs)) if workflow_layout.axis else (0,))
            for inputs in [self.frame_inputs(workflow_layout, item)]
        ]
        return made if workflow_layout.axis else made[0]

    def _updates(self, workflow_layout: WorkflowLayout, item: int, links: Iterable[Link]) -> dict[str, Json]:
        """What the steps that these links come from have changed in place."""
        updates: dict[str, Json] = {}
        for step in sorted({source.rpartition("/")[0] for link in links for source in link.sources} - {""}):
            step_layout = workflow_layout.steps[step]
            if step_layout.step.updates_in_place and step_layout.subworkflow is None:
                index = -1 if step_layout.axis is None else item // self.items(step_layout.axis).chunk
                updates.update(self.ti.xcom_pull(step_layout.task_id, key=UPDATES, map_indexes=index) or {})
        return updates

    def _value_of(self, workflow_layout: WorkflowLayout, item: int, inputs: dict[str, Json]) -> ValueOf:
        return partial(self._source, workflow_layout, item, inputs)

    def _source(self, workflow_layout: WorkflowLayout, item: int, inputs: dict[str, Json], source: str) -> Json:
        step, _, output = source.rpartition("/")
        if not step:
            return inputs.get(output)
        step_layout = workflow_layout.steps[step]
        if step_layout.step.scatter and step_layout.axis is not None:
            return self._scattered(step_layout, step_layout.axis, item, output)
        return self._output(step_layout, item, output)

    def _scattered(self, step_layout: StepLayout, axis: ScatterAxis, item: int, output: str) -> Json:
        items = self.items(axis)
        shape = items.shapes[item] if item < len(items.shapes) else None
        if shape is None:
            return None
        return regroup(shape, [self._output(step_layout, below, output) for below in items.below(item)])

    def _output(self, step_layout: StepLayout, item: int, output: str) -> Json:
        if step_layout.subworkflow is None:
            outputs = self._of_task(step_layout.task_id, step_layout.axis, item)
            return None if outputs is None else outputs.get(output)
        link = next(link for link in step_layout.subworkflow.workflow.outputs if link.id == output)
        inputs = self.frame_inputs(step_layout.subworkflow, item)
        if inputs is None:
            return None
        return value_of_link(link, self._value_of(step_layout.subworkflow, item, inputs))

    def _of_task(self, task_id: str, axis: ScatterAxis | None, item: int) -> Json:
        """The value that a task has pushed for one item."""
        if axis is None:
            return self._pulled(task_id, -1)
        items = self.items(axis)
        if items.jobs[item] is None:
            return None
        instance = item // items.chunk
        # An instance of the same scatter needs its own neighbour only; a task that regroups needs them all.
        value = self._pulled(task_id, instance) if axis == self._axis else self._all_of(task_id, axis)[instance]
        return value[item % items.chunk] if items.chunk > 1 and value is not None else value

    def _pulled(self, task_id: str, map_index: int) -> Json:
        key = (task_id, map_index)
        if key not in self._one:
            self._one[key] = restored(self.ti.xcom_pull(task_id, map_indexes=map_index))
        return self._one[key]

    def _all_of(self, task_id: str, axis: ScatterAxis) -> list[Json]:
        """The values of all mapped instances of a task, in order."""
        if task_id not in self._all:
            items = self.items(axis)
            instances = -(-len(items.jobs) // items.chunk)
            values = list(self.ti.xcom_pull(task_id) or ()) if instances > 1 else []
            if len(values) != instances:
                values = [self._pulled(task_id, index) for index in range(instances)]
            self._all[task_id] = [restored(value) for value in values]
        return self._all[task_id]


def updates_between(before: Json, after: Json) -> dict[str, Json]:
    """What became of each File and Directory of a value that a tool was free to change."""
    if isinstance(before, list):
        pairs = list(zip(before, after, strict=True))
        return {key: new for old, now in pairs for key, new in updates_between(old, now).items()}
    if not isinstance(before, dict):
        return {}
    if before.get("class") in ("File", "Directory") and "location" in before:
        changed = before["location"] != after["location"]
        return {before["location"]: after} if changed else {}
    return {key: new for name in before for key, new in updates_between(before[name], after[name]).items()}


def updated(value: Json, updates: Mapping[str, Json]) -> Json:
    """A value with the Files and Directories that were changed in place, as they are now."""
    if not updates:
        return value
    if isinstance(value, list):
        return [updated(item, updates) for item in value]
    if not isinstance(value, dict):
        return value
    now = updates.get(value.get("location", ""))
    if now is not None and value.get("class") == now["class"]:
        kept = {name: item for name, item in value.items() if name not in ("size", "checksum", "contents", "listing")}
        return {**kept, **{name: now[name] for name in ("location", "size", EMPTY_FOLDERS) if name in now}}
    return {name: updated(item, updates) for name, item in value.items()}
