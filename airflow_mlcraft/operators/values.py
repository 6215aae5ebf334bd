"""The values of a run, read from the XComs of its earlier tasks: inputs of workflows, outputs of steps.

The XComs: a step pushes its outputs; the first task of a sub-workflow its inputs; the task that lists the items of a
scatter their names as its return value (Airflow maps over them) and the items themselves under the key `items`. A
mapped instance pushes one value, or a list of values for a chunk of items; null means skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Protocol

from airflow_mlcraft.cwl.plan import Json, Link
from airflow_mlcraft.cwl.scatter import nest_outputs
from airflow_mlcraft.cwl.step_inputs import SourceValue, resolve_link, resolve_links
from airflow_mlcraft.errors import LinkError
from airflow_mlcraft.layout.tasks import ScatterAxis, StepLayout, WorkflowLayout
from airflow_mlcraft.operators.xcom_overflow import from_xcom
from airflow_mlcraft.store.values import EMPTY_FOLDERS

ITEMS = "items"
"""The XCom key of the items of a scatter."""
FUSED_STEPS = "steps"
"""The XCom key of the states of the steps in a fused task."""
UPDATES = "updates"
"""The XCom key of the files that a step has changed in place: the new File or Directory for each old location."""


class TaskInstance(Protocol):
    """The part of Airflow's task instance that reads XComs."""

    map_index: int | None

    def xcom_pull(self, task_ids: str, *, key: str = ..., map_indexes: Any = ...) -> Any:
        """A value that another task has pushed."""


@dataclass(frozen=True)
class Items:
    """The items of a scatter, over all items of the outer scatters. Stored as JSON in an XCom."""

    jobs: Sequence[dict[str, Json] | None]
    """The inputs of each item; null where it is to be skipped."""
    parents: Sequence[int]
    """For each item, the index of the item of the outer scatter that it belongs to."""
    shapes: Sequence[Sequence[int] | None]
    """For each item of the outer scatter, the shape of its items here; null where it is skipped."""
    names: Sequence[str] = ()
    """The names of the mapped instances."""
    chunk: int = 1
    """How many items one mapped instance runs."""

    def to_json(self) -> Json:
        """A dict of the fields."""
        return asdict(self)

    def instance_items(self, map_index: int) -> range:
        """The indexes of the items that a mapped instance runs."""
        start = map_index * self.chunk
        return range(start, min(start + self.chunk, len(self.jobs)))

    def children_of(self, parent: int) -> list[int]:
        """The indexes of the items of one item of the outer scatter."""
        return [index for index, outer in enumerate(self.parents) if outer == parent]


class Values:
    """The values of one run, for a task that is mapped over `axis`. Each XCom is read once."""

    def __init__(self, ti: TaskInstance, axis: ScatterAxis | None = None):
        self.ti = ti
        self._axis = axis
        self._items: dict[str, Items] = {}
        self._mapped_values: dict[str, list[Json]] = {}
        self._instance_values: dict[tuple[str, int], Json] = {}

    def items(self, axis: ScatterAxis) -> Items:
        """The items of a scatter."""
        if axis.items_task_id not in self._items:
            data = from_xcom(self.ti.xcom_pull(axis.items_task_id, key=ITEMS, map_indexes=-1))
            # The task that lists the items is skipped with its workflow.
            self._items[axis.items_task_id] = Items(**data) if data else Items((), (), (None,))
        return self._items[axis.items_task_id]

    def instance_items(self) -> Sequence[int]:
        """The indexes of the items of the running task instance; only 0 without a scatter."""
        if self._axis is None:
            return (0,)
        return self.items(self._axis).instance_items(self.ti.map_index or 0)

    def instance_name(self) -> str:
        """The name of the running task instance; empty without a scatter."""
        names = self.items(self._axis).names if self._axis is not None else ()
        index = self.ti.map_index or 0
        return names[index] if 0 <= index < len(names) else ""

    def is_chunked(self) -> bool:
        """Whether each mapped instance of the running task runs several items."""
        return self._axis is not None and self.items(self._axis).chunk > 1

    def workflow_inputs(self, workflow_layout: WorkflowLayout, item: int) -> dict[str, Json] | None:
        """The inputs of a workflow, for one item of the outer scatter; None when it is skipped."""
        if workflow_layout.is_scattered and workflow_layout.axis is not None:
            return self.items(workflow_layout.axis).jobs[item]
        inputs: dict[str, Json] | None = self._task_value(workflow_layout.inputs_task_id, workflow_layout.axis, item)
        return inputs

    def step_inputs(self, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The values of a step's links, before scatter and expressions; None when the step's workflow is skipped."""
        inputs = self.workflow_inputs(step_layout.parent, item)
        if inputs is None:
            return None
        try:
            job: dict[str, Json] = resolve_links(
                step_layout.step.links, self._value_of(step_layout.parent, item, inputs)
            )
            updated: dict[str, Json] = apply_updates(
                job, self._updates(step_layout.parent, item, step_layout.step.links)
            )
            return updated
        except LinkError as error:
            raise LinkError(f"step {step_layout.step.id}: {error}") from error

    def outputs(self, workflow_layout: WorkflowLayout, item: int = 0) -> dict[str, Json]:
        """The outputs of a workflow; all None when it was skipped."""
        inputs = self.workflow_inputs(workflow_layout, item)
        if inputs is None:
            return dict.fromkeys((link.id for link in workflow_layout.workflow.outputs), None)
        value_of = self._value_of(workflow_layout, item, inputs)
        outputs = {link.id: resolve_link(link, value_of) for link in workflow_layout.workflow.outputs}
        updated: dict[str, Json] = apply_updates(
            outputs, self._updates(workflow_layout, item, workflow_layout.workflow.outputs)
        )
        return updated

    def collect_step_output(self, step_layout: StepLayout, output: str) -> Json:
        """The value of a step's output; in a scatter, a list with its value for each item."""
        workflow_layout = step_layout.parent
        values = [
            None
            if inputs is None
            else self._source_value(workflow_layout, item, inputs, f"{step_layout.step.id}/{output}")
            for item in (range(len(self.items(workflow_layout.axis).jobs)) if workflow_layout.axis else (0,))
            for inputs in [self.workflow_inputs(workflow_layout, item)]
        ]
        return values if workflow_layout.axis else values[0]

    def _updates(self, workflow_layout: WorkflowLayout, item: int, links: Iterable[Link]) -> dict[str, Json]:
        """The files that the source steps of these links have changed in place."""
        updates: dict[str, Json] = {}
        for step in sorted({source.rpartition("/")[0] for link in links for source in link.sources} - {""}):
            step_layout = workflow_layout.steps[step]
            if step_layout.step.updates_in_place and step_layout.subworkflow is None:
                index = -1 if step_layout.axis is None else item // self.items(step_layout.axis).chunk
                updates.update(self.ti.xcom_pull(step_layout.task_id, key=UPDATES, map_indexes=index) or {})
        return updates

    def _value_of(self, workflow_layout: WorkflowLayout, item: int, inputs: dict[str, Json]) -> SourceValue:
        return partial(self._source_value, workflow_layout, item, inputs)

    def _source_value(self, workflow_layout: WorkflowLayout, item: int, inputs: dict[str, Json], source: str) -> Json:
        step, _, output = source.rpartition("/")
        if not step:
            return inputs.get(output)
        step_layout = workflow_layout.steps[step]
        if step_layout.items_task_id and step_layout.axis is not None:
            return self._scattered_output(step_layout, step_layout.axis, item, output)
        return self._output(step_layout, item, output)

    def _scattered_output(self, step_layout: StepLayout, axis: ScatterAxis, item: int, output: str) -> Json:
        items = self.items(axis)
        shape = items.shapes[item] if item < len(items.shapes) else None
        if shape is None:
            return None
        return nest_outputs(shape, [self._output(step_layout, child, output) for child in items.children_of(item)])

    def _output(self, step_layout: StepLayout, item: int, output: str) -> Json:
        if step_layout.subworkflow is None:
            outputs = self._task_value(step_layout.task_id, step_layout.axis, item)
            return None if outputs is None else outputs.get(output)
        link = next(link for link in step_layout.subworkflow.workflow.outputs if link.id == output)
        inputs = self.workflow_inputs(step_layout.subworkflow, item)
        if inputs is None:
            return None
        return resolve_link(link, self._value_of(step_layout.subworkflow, item, inputs))

    def _task_value(self, task_id: str, axis: ScatterAxis | None, item: int) -> Json:
        """The value that a task has pushed for one item."""
        if axis is None:
            return self._pull(task_id, -1)
        items = self.items(axis)
        if items.jobs[item] is None:
            return None
        instance = item // items.chunk
        # A task of the same scatter reads the instance with its own index only; a task that regroups needs them all.
        value = self._pull(task_id, instance) if axis == self._axis else self._pull_all(task_id, axis)[instance]
        return value[item % items.chunk] if items.chunk > 1 and value is not None else value

    def _pull(self, task_id: str, map_index: int) -> Json:
        key = (task_id, map_index)
        if key not in self._instance_values:
            self._instance_values[key] = from_xcom(self.ti.xcom_pull(task_id, map_indexes=map_index))
        return self._instance_values[key]

    def _pull_all(self, task_id: str, axis: ScatterAxis) -> list[Json]:
        """The values of all mapped instances of a task, in order."""
        if task_id not in self._mapped_values:
            items = self.items(axis)
            instances = -(-len(items.jobs) // items.chunk)
            values = list(self.ti.xcom_pull(task_id) or ()) if instances > 1 else []
            if len(values) != instances:
                values = [self._pull(task_id, index) for index in range(instances)]
            self._mapped_values[task_id] = [from_xcom(value) for value in values]
        return self._mapped_values[task_id]


def find_updates(before: Json, after: Json) -> dict[str, Json]:
    """The Files and Directories that a tool has changed in place: the new one for each old location."""
    if isinstance(before, list):
        pairs = list(zip(before, after, strict=True))
        return {location: file for old, new in pairs for location, file in find_updates(old, new).items()}
    if not isinstance(before, dict):
        return {}
    if before.get("class") in ("File", "Directory") and "location" in before:
        is_changed = before["location"] != after["location"]
        return {before["location"]: after} if is_changed else {}
    return {location: file for name in before for location, file in find_updates(before[name], after[name]).items()}


def apply_updates(value: Json, updates: Mapping[str, Json]) -> Json:
    """A value with the new Files and Directories in place of those that were changed."""
    if not updates:
        return value
    if isinstance(value, list):
        return [apply_updates(item, updates) for item in value]
    if not isinstance(value, dict):
        return value
    new = updates.get(value.get("location", ""))
    if new is not None and value.get("class") == new["class"]:
        updated = {
            name: item for name, item in value.items() if name not in ("size", "checksum", "contents", "listing")
        }
        return {**updated, **{name: new[name] for name in ("location", "size", EMPTY_FOLDERS) if name in new}}
    return {name: apply_updates(item, updates) for name, item in value.items()}
