"""`@task.tracked`: a Python task that is a run in MLflow, with what it was called with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import task_decorator_factory
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import Context
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

from airflow_mlcraft.operators.tracked_run import tracked_run
from airflow_mlcraft.tracking.capture import arguments

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator

    from airflow_mlcraft.tracking.run import TrackedRun


class TrackedOperator(_PythonDecoratedOperator):
    """Calls a Python function, and tracks the call.

    :param seed: where random numbers start; by default it follows from the task's name, so that a retry repeats it
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
        """Call the function, one that is to be awaited."""
        with self._tracked():
            return await super().aexecute_callable()

    def _tracked(self) -> AbstractContextManager[TrackedRun]:
        function = self.python_callable
        given = arguments(function, *self.op_args, **self.op_kwargs)
        # What Airflow itself passes is no choice of the user's.
        chosen = {name: value for name, value in given.items() if name not in _AIRFLOWS}
        if self._context is None:
            raise RuntimeError("the task is not being executed")
        return tracked_run(self._context, function=function, arguments=chosen, seed=self.seed)


_AIRFLOWS = {*KNOWN_CONTEXT_KEYS, "templates_dict"}


def tracked_task(
    python_callable: Callable[..., Any] | None = None, multiple_outputs: bool | None = None, **kwargs: Any
) -> TaskDecorator:
    """Make a task of a function, whose calls are tracked."""
    decorator: TaskDecorator = task_decorator_factory(
        python_callable=python_callable,
        multiple_outputs=multiple_outputs,
        decorated_operator_class=TrackedOperator,
        **kwargs,
    )
    return decorator
