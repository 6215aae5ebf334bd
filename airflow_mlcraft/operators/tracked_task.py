"""`@task.tracked`: a Python task whose call is logged to a run in MLflow.

A module of its own: no CWL document needs Airflow's Python operator, whose import would triple the time of a parse.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import task_decorator_factory
from airflow.sdk import Context

from airflow_mlcraft.adapters.airflow_sdk import KNOWN_CONTEXT_KEYS
from airflow_mlcraft.adapters.airflow_standard import PythonDecoratedOperator
from airflow_mlcraft.operators.task_run import tracked_run
from airflow_mlcraft.tracking.capture import bind_arguments

if TYPE_CHECKING:
    from airflow_mlcraft.adapters.airflow_sdk import TaskDecorator
    from airflow_mlcraft.tracking.run import TrackedRun

_AIRFLOW_ARGUMENTS = {*KNOWN_CONTEXT_KEYS, "templates_dict"}


class TrackedOperator(PythonDecoratedOperator):
    """Calls a Python function, and logs the call to a run in MLflow.

    :param seed: the seed of random numbers; by default it follows from the task's name, so that a retry repeats it
    """

    custom_operator_name = "@task.tracked"
    ui_color = "#e8f5e9"

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._context: Context | None = None

    def execute(self, context: Context) -> Any:
        """What the function returns."""
        self._context = context
        return super().execute(context)

    def execute_callable(self) -> Any:
        """Call the function."""
        with self._tracked():
            return super().execute_callable()

    async def aexecute_callable(self) -> Any:
        """Call and await an asynchronous function."""
        with self._tracked():
            return await super().aexecute_callable()

    def _tracked(self) -> AbstractContextManager[TrackedRun]:
        function = self.python_callable
        bound = bind_arguments(function, *self.op_args, **self.op_kwargs)
        user_arguments = {name: value for name, value in bound.items() if name not in _AIRFLOW_ARGUMENTS}
        if self._context is None:
            raise RuntimeError("the task is not being executed")
        return tracked_run(self._context, function=function, arguments=user_arguments, seed=self.seed)


def tracked_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> TaskDecorator:
    """The decorator `@task.tracked`: a task that calls a function, and logs the call to a run in MLflow."""
    decorator: TaskDecorator = task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=TrackedOperator,
        **kwargs,
    )
    return decorator
