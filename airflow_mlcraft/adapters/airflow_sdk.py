"""What the package uses of Airflow's Task SDK beyond the names that `airflow.sdk` exports.

It loads while a DAG file is parsed, so only what a parse has loaded anyway is imported at the top.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, MutableMapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk import exceptions
from airflow.sdk.definitions._internal.abstractoperator import AbstractOperator
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS
from airflow.sdk.definitions.dag import TAG_MAX_LEN
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.definitions.taskgroup import MappedTaskGroup
from airflow.sdk.definitions.xcom_arg import PlainXComArg

if TYPE_CHECKING:
    import httpx
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.bases.decorator import TaskDecorator

__all__ = [
    "KNOWN_CONTEXT_KEYS",
    "TAG_MAX_LEN",
    "WAITING_EXCEPTIONS",
    "AbstractOperator",
    "ParamsDict",
    "PlainXComArg",
    "TaskDecorator",
    "TaskInstance",
]

# Airflow before 3.3 defers a task that waits for an answer to the triggerer.
WAITING_EXCEPTIONS: tuple[type[Any], ...] = tuple(
    filter(None, (TaskDeferred, getattr(exceptions, "TaskAwaitingInput", None)))
)
"""What an operator raises to wait for a trigger, or for an answer of a person."""

LogProcessor = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]


# ---- DAG files


def create_mapped_group(items: Any, **args: Any) -> MappedTaskGroup:
    """A task group that is mapped over the items of an XCom; only a function's group has a public way to do so."""
    return MappedTaskGroup(expand_input=DictOfListsExpandInput({"item": items}), **args)


def has_supervisor() -> bool:
    """Whether a supervisor is connected to this process: it runs a task, or parses for the DAG processor."""
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return hasattr(runner, "SUPERVISOR_COMMS")


def has_supervisor_in_process() -> bool:
    """Whether the supervisor of the task is this process itself, as in `airflow dags test`."""
    from airflow.sdk.execution_time import task_runner

    return type(getattr(task_runner, "SUPERVISOR_COMMS", None)).__name__ == "InProcessSupervisorComms"


# ---- Logs of tasks


def add_log_processor(processor: LogProcessor) -> None:
    """Put a processor before the others of the task's log, once."""
    processors = structlog.get_config()["processors"]
    # In place: the task's logger exists already, and holds this list.
    if isinstance(processors, list) and processor not in processors:
        processors.insert(0, processor)


# ---- Tasks in this process


def load_task_runner() -> None:
    """Import what Airflow imports when the first task runs; not each of its versions has all of it."""
    from airflow.sdk.execution_time import task_runner  # noqa: F401

    with contextlib.suppress(ModuleNotFoundError):
        import_module("airflow.sdk.plugins_manager")


class _Current:
    """The client of the tasks in this process."""

    client: Any = None


@contextlib.contextmanager
def connect_supervisor(transport: httpx.BaseTransport) -> Iterator[None]:
    """Tasks and triggers may run in this process; their requests to the Execution API go to `transport`."""
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor

    _Current.client = InProcessTestSupervisor._Client(base_url=None, token="", dry_run=True, transport=transport)
    _Current.client.base_url = "http://in-process.invalid./"
    try:
        yield
    finally:
        _Current.client = None


def run_task(instance: TaskInstance, task: Any) -> BaseException | None:
    """Run a try of a task with Airflow's task runner; returns the exception that the task raised."""
    logger = structlog.get_logger(logger_name="task").bind()
    try:
        result = _supervisor_class().start(what=instance, task=task, logger=logger)
    finally:
        # Airflow leaves a handler behind that would call the finished task.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    error: BaseException | None = result.error
    return error


def run_trigger(instance: TaskInstance, trigger: Any) -> Any:
    """The first event of a trigger that a task waits for; None if the trigger ends without one."""
    return _supervisor_class().run_trigger_in_process(trigger=trigger, ti=instance)


def build_task_instance(*, id: str, dag_version_id: str, **fields: Any) -> TaskInstance:  # noqa: A002
    """A task instance as the task runner takes it."""
    from airflow.sdk.api.datamodels._generated import TaskInstance

    return TaskInstance(id=UUID(id), dag_version_id=UUID(dag_version_id), **fields)


@cache
def _supervisor_class() -> Any:
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor

    class Supervisor(InProcessTestSupervisor):
        """A supervisor with one client for all tasks: Airflow creates one, with an empty DAG cache, for each task."""

        @staticmethod
        def _api_client(dag: Any = None) -> Any:
            if _Current.client is None:
                raise RuntimeError("Tasks run inside `with connect_supervisor(...)`.")
            return _Current.client

        @contextlib.contextmanager
        def _setup_subprocess_socket(self) -> Iterator[None]:
            """No socket: Airflow answers no request from it in this process, and leaves a thread for each task."""
            yield

    return Supervisor


def deserialize_xcom(row: Any) -> Any:
    """The value of a row of the table of XComs."""
    from airflow.sdk.execution_time.xcom import XCom

    return XCom.deserialize_value(row)
