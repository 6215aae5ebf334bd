"""Log lines of the embedded Airflow, all of which go to one sink and never to stdout."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.adapters.airflow_core import replace_logging
from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from airflow_mlcraft.runner.events import LogSink

LOUD_LEVELS = frozenset({"warning", "error", "critical", "exception", "fatal"})
# Fields that structlog and Airflow add to every event, left out of the line of text.
HIDDEN_FIELDS = frozenset({"level", "timestamp", "logger", "logger_name", "loc", "filename", "lineno", "event"})


def to_stderr(task: str, level: str, line: str) -> None:
    """The default sink: writes warnings and errors to stderr, and drops the rest."""
    if level in LOUD_LEVELS:
        sys.stderr.write(f"{task}: {line}\n")


# Tasks log at INFO. The API client does not log: it reports the end of a list as an error, and raises real errors.
# Assets do not log either: there are no other DAGs that they would start.
LEVELS = {
    "task": "INFO",
    "airflow.task": "INFO",
    "airflow_mlcraft": "INFO",
    "airflow.sdk.api.client": "CRITICAL",
    "airflow.assets": "CRITICAL",
}
"""The lowest levels of loggers that differ from WARNING."""


class _Current:
    """The sink of this process, and the task that it runs. A worker changes both."""

    sink: LogSink = staticmethod(to_stderr)
    task: str = "airflow"


def set_sink(sink: LogSink | None) -> None:
    """Send lines to this sink from now on."""
    _Current.sink = to_stderr if sink is None else sink


def set_task(task: str) -> None:
    """Label lines with this task from now on."""
    _Current.task = task


def emit(level: str, text: str) -> None:
    for line in text.splitlines():
        _Current.sink(_Current.task, level, line)


def forward(task: str, level: str, line: str) -> None:
    """Emit a line that a worker has sent."""
    _Current.sink(task, level, line)


def install() -> None:
    """Replace Airflow's configuration of structlog and logging, which writes to stdout."""
    replace_logging(_Handler(), _emit_event, LEVELS)
    logging.getLogger("airflow_mlcraft").setLevel(logging.INFO)


def _emit_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> None:
    name = str(event.get("logger_name") or event.get("logger") or getattr(logger, "name", None) or "")
    # Python's warnings are for developers of libraries, not for users who run a workflow.
    level = "debug" if name.startswith("py.warnings") else method
    text = str(event.get("event", ""))
    error = _find_exception(event.pop("exc_info", None))
    details = " ".join(f"{key}={value}" for key, value in event.items() if key not in HIDDEN_FIELDS)
    if not text.startswith("::"):  # marks by which Airflow's web page folds a log
        emit("error" if level == "exception" else level, f"{text} {details}".rstrip())
    if error is not None:
        emit("error", "\n".join(_format_error(error)))


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:
            self.handleError(record)
            return
        emit(record.levelname.lower(), text)
        if (error := _find_exception(record.exc_info)) is not None:
            emit("error", "\n".join(_format_error(error)))


def _find_exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """Iterate over an exception, its cause, the cause's cause, and so on."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _format_error(error: BaseException) -> list[str]:
    """The traceback; for an error that a user can mend, its message only."""
    if any(isinstance(cause, MlcraftError) for cause in iterate_causes(error)):
        return [str(error)]
    return "".join(traceback.format_exception(error)).splitlines()
