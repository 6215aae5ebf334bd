"""The DAG of a CWL document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_mlcraft.adapters.airflow_sdk import ParamsDict
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.build import build_tasks
from airflow_mlcraft.dag.dag_args import build_dag_args
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
