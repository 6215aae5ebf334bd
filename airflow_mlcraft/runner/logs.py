"""Log lines of the embedded Airflow, all of which go to one sink and never to stdout."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from airflow_mlcraft.runner.events import LogSink

LOUD_LEVELS = frozenset({"warning", "error", "critical", "exception", "fatal"})
# What structlog and Airflow add to every event, of no use in one line of text.
HIDDEN_FIELDS = frozenset({"level", "timestamp", "logger", "logger_name", "loc", "filename", "lineno", "event"})


def to_stderr(task: str, level: str, line: str) -> None:
    """The sink when the caller gave none: what is loud goes to stderr, the rest is dropped."""
    if level in LOUD_LEVELS:
        sys.stderr.write(f"{task}: {line}\n")


class _Current:
    """The sink of this process and the task that it works on. A worker changes both."""

    sink: LogSink = staticmethod(to_stderr)
    task: str = "airflow"


def set_sink(sink: LogSink | None) -> None:
    """From now on send lines to this sink."""
    _Current.sink = to_stderr if sink is None else sink


def set_task(task: str) -> None:
    """From now on lines are about this task."""
    _Current.task = task


def emit(level: str, text: str) -> None:
    for line in text.splitlines():
        _Current.sink(_Current.task, level, line)


def forward(task: str, level: str, line: str) -> None:
    """A line that a worker has sent."""
    _Current.sink(task, level, line)


def install() -> None:
    """Take over structlog and logging from Airflow's own set-up, which writes to stdout."""
    import structlog

    # Not cached: a logger that was first used in the parent must follow the sink of a worker.
    structlog.configure(processors=[_emit_event], cache_logger_on_first_use=False)
    root = logging.getLogger()
    root.handlers = [_Handler()]
    for name in ("airflow", "airflow.task", "airflow.processor", "flask_appbuilder"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("airflow.task").setLevel(logging.INFO)
    logging.getLogger("airflow_mlcraft").setLevel(logging.INFO)


def _emit_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
    import structlog

    name = str(event.get("logger_name") or event.get("logger") or getattr(logger, "name", None) or "")
    # A warning of Python's is for the author of a library, not for who runs a workflow.
    level = "debug" if name.startswith("py.warnings") else method
    text = str(event.get("event", ""))
    error = _find_exception(event.pop("exc_info", None))
    details = " ".join(f"{key}={value}" for key, value in event.items() if key not in HIDDEN_FIELDS)
    if not text.startswith("::"):  # marks by which Airflow's web page folds a log
        emit("error" if level == "exception" else level, f"{text} {details}".rstrip())
    if error is not None:
        emit("error", "\n".join(_format_error(error)))
    raise structlog.DropEvent


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


def _find_exception(found: Any) -> BaseException | None:
    if isinstance(found, BaseException):
        return found
    if isinstance(found, tuple):
        return found[1] if isinstance(found[1], BaseException) else None
    return sys.exc_info()[1] if found else None


def causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, then what caused it, and so on."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _format_error(error: BaseException) -> list[str]:
    """A traceback, unless the error is one that a user can mend: then its sentence alone."""
    if any(isinstance(link, MlcraftError) for link in causes(error)):
        return [str(error)]
    return "".join(traceback.format_exception(error)).splitlines()
