"""A CWL document as a DAG, or as a task group inside a DAG with native tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, TaskGroup, XComArg

from airflow_mlcraft.adapters.airflow_sdk import ParamsDict, PlainXComArg
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.build import build_tasks
from airflow_mlcraft.dag.dag_args import build_dag_args
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.layout.hints import FieldError
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import TaskIds


class CwlDag(DAG):
    """A DAG that runs a CWL workflow or tool; takes any argument of a DAG as well.

    Use it alone, or as a context manager to add native tasks before, after and beside those of the workflow:

        with CwlDag("count.cwl", dag_id="count") as dag:
            dag.last >> notify()
    """

    def __init__(self, document: str | Path, dag_id: str = "", **dag_args: Any) -> None:
        path, _, fragment = str(document).partition("#")
        self._init_from_plan(open_plan_cache().get_plan(Path(path), fragment), dag_id, dag_args)

    @classmethod
    def from_plan(cls, plan: Plan, dag_id: str, **dag_args: Any) -> CwlDag:
        """The DAG of a plan that is loaded already."""
        dag = cls.__new__(cls)
        dag._init_from_plan(plan, dag_id, dag_args)
        return dag

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Run the DAG once in this process. Raises an error before that for a value that is not among its choices."""
        # Imported here because it loads `urllib`, and a DAG file is parsed for each task.
        from airflow_mlcraft.cwl.inputs import check_choices

        check_choices(self.plan, kwargs.get("run_conf") or {})
        return super().test(*args, **kwargs)

    def _init_from_plan(self, plan: Plan, dag_id: str, dag_args: dict[str, Any]) -> None:
        args = {**build_dag_args(plan), **dag_args}
        _check_schedule(plan, args)
        super().__init__(dag_id or TaskIds().task(Path(plan.document).stem), **args)
        self.plan = plan
        with self, _without_params(self):
            self.first, self.last = build_tasks(plan)


@contextmanager
def _without_params(dag: DAG) -> Iterator[None]:
    """Hide the DAG's params while tasks are added: Airflow copies them into each task, and validates each copy again.

    A task's context has the params of its DAG in any case.
    """
    params, dag.params = dag.params, ParamsDict()
    try:
        yield
    finally:
        dag.params = params


def _check_schedule(plan: Plan, args: dict[str, Any]) -> None:
    """Raise a `FieldError` for a schedule with required inputs: a scheduled run has no form to fill in."""
    missing = [port.id for port in plan.root.inputs if not port.optional]
    if args.get("schedule") is not None and missing:
        raise FieldError(
            f"a schedule ({args['schedule']}) needs inputs that all have defaults, and {', '.join(missing)} has none",
            "schedule",
        )


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
    def outputs(self) -> PlainXComArg:
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
