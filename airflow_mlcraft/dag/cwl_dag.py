"""A CWL document as a DAG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.definitions.param import ParamsDict

from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.build import build
from airflow_mlcraft.dag.dag_args import args_of_plan
from airflow_mlcraft.layout.hints import FieldError
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import TaskIds


class CwlDag(DAG):
    """A DAG that runs a CWL workflow or tool; takes any argument of a DAG as well.

    Use it as it is, or as a context to put native tasks before, after and beside the workflow's:

        with CwlDag("count.cwl", dag_id="count") as dag:
            dag.last >> notify()
    """

    def __init__(self, document: str | Path, dag_id: str = "", **dag_args: Any) -> None:
        path, _, fragment = str(document).partition("#")
        self._fill(open_plan_cache().plan_of(Path(path), fragment), dag_id, dag_args)

    @classmethod
    def of_plan(cls, plan: Plan, dag_id: str, **dag_args: Any) -> CwlDag:
        """The DAG of a plan that is at hand already."""
        dag = cls.__new__(cls)
        dag._fill(plan, dag_id, dag_args)
        return dag

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Run the DAG once in this process. A value that is none of its input's choices is refused before that."""
        # Its import takes the time of `urllib`, and a DAG file is parsed for each task.
        from airflow_mlcraft.cwl.inputs import check_choices

        check_choices(self.plan, kwargs.get("run_conf") or {})
        return super().test(*args, **kwargs)

    def _fill(self, plan: Plan, dag_id: str, dag_args: dict[str, Any]) -> None:
        args = {**args_of_plan(plan), **dag_args}
        _check_schedule(plan, args)
        super().__init__(dag_id or TaskIds().task(Path(plan.document).stem), **args)
        self.plan = plan
        with self, _params_aside(self):
            self.first, self.last = build(plan)


@contextmanager
def _params_aside(dag: DAG) -> Iterator[None]:
    """Airflow would copy the DAG's params into each task, and check each copy again as it serializes the task.

    A task's context has the params of its DAG in any case.
    """
    params, dag.params = dag.params, ParamsDict()
    try:
        yield
    finally:
        dag.params = params


def _check_schedule(plan: Plan, args: dict[str, Any]) -> None:
    """Nobody fills in the form of a scheduled run."""
    missing = [port.id for port in plan.root.inputs if not port.optional]
    if args.get("schedule") is not None and missing:
        raise FieldError(
            f"a schedule ({args['schedule']}) needs inputs that all have defaults, and {', '.join(missing)} has none",
            "schedule",
        )
