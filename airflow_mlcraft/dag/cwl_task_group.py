"""The task group of a CWL document, inside a DAG with native tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import TaskGroup, XComArg

from airflow_mlcraft.adapters.airflow_sdk import PlainXComArg
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.build import build_tasks
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.layout.plan_cache import open_plan_cache


class CwlTaskGroup(TaskGroup):
    """Runs a CWL workflow or tool inside a DAG.

    :param group_id: the group's id
    :param document: path of the document, with `#id` to pick one process of several
    :param inputs: the workflow's inputs; values may be results of other tasks. Without it, the inputs come
        from the run's configuration
    :param group_args: any argument of a task group

    The outputs are results that other tasks can take:

        counted = CwlTaskGroup("count", "count.cwl", inputs={"text": fetch()})
        report(counted.outputs["lines"])
    """

    def __init__(
        self,
        group_id: str,
        document: str | Path,
        inputs: Mapping[str, Any] | None = None,
        **group_args: Any,
    ) -> None:
        super().__init__(group_id=group_id, **group_args)
        path, _, fragment = str(document).partition("#")
        self.plan = open_plan_cache().get_plan(Path(path), fragment)
        if inputs is not None:
            _check_inputs(self.plan, inputs)
        with self:
            self.first, self.last = build_tasks(
                self.plan, prefix=f"{self.group_id}.", inputs=dict(inputs) if inputs is not None else None
            )

    @property
    def outputs(self) -> XComArg:
        """The output object; `group.outputs["name"]` is one output."""
        return _WorkflowOutputs(self.last, self.plan)


class _WorkflowOutputs(PlainXComArg):
    """The output object of a workflow. An unknown name of an output is an error while the DAG file is parsed."""

    def __init__(self, last: Any, plan: Plan) -> None:
        super().__init__(last)
        self._names = [link.id for link in plan.root.outputs]
        self._document = plan.document

    def __getitem__(self, item: str) -> XComArg:
        if item not in self._names:
            raise InputError(
                f"{self._document} has no output {item!r}; {_names_or('it has', self._names, 'it has no outputs')}"
            )
        return super().__getitem__(item)


def _check_inputs(plan: Plan, inputs: Mapping[str, Any]) -> None:
    """Check the names of inputs; their values may be known only when the task runs."""
    ports = {port.id: port for port in plan.root.inputs}
    for name in inputs:
        # A job object may have other keys than the inputs, such as `cwl:requirements`.
        if name not in ports and ":" not in name:
            raise InputError(
                f"{plan.document} has no input {name!r}; {_names_or('it has', list(ports), 'it has no inputs')}"
            )
    missing = [name for name, port in ports.items() if name not in inputs and not port.optional]
    if missing:
        raise InputError(
            f"{plan.document} needs {_names_or('the inputs', missing, '')}, which have no default; give them"
        )


def _names_or(before: str, names: list[str], none: str) -> str:
    return f"{before} {', '.join(names)}" if names else none
