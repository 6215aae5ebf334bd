"""The end of a task's log, and the command line that is in it."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from airflow.utils.log.log_reader import TaskLogReader

_TAIL = 200
_MOST = 200_000
"""Lines of a log that are read to find its end."""
_LONGEST = 500
_COMMAND = re.compile(r"^\[job [^\]]+\] \S+\$ (?P<command>.*)$")
_ROOM = re.compile(r"/[^\s'\"]*/tmp/[^/\s'\"]+/run\d+/(?:stage/stg[0-9a-f-]+|out|tmp/\w+)(?:/|(?=[\s'\"]|$))")
"""The folders that the tool was run in, which were made for it and are gone."""


@dataclass(frozen=True)
class TaskLog:
    """What is shown of a log."""

    tail: str = ""
    command: str | None = None


def task_log(instance: Any) -> TaskLog:
    """Of the last try of a task instance."""
    if not instance.try_number:
        return TaskLog()
    stream, _ = TaskLogReader().read_log_chunks(instance, instance.try_number, {"end_of_log": False})
    return _read(islice(_lines(stream), _MOST))


def _read(lines: Iterable[str]) -> TaskLog:
    tail: deque[str] = deque(maxlen=_TAIL)
    command: list[str] = []
    goes_on = False
    for line in lines:
        tail.append(line)
        if started := _COMMAND.match(line):
            command, goes_on = [started["command"]], True
        elif goes_on:
            command.append(line)
        goes_on = goes_on and len(command) < _LONGEST and _is_open(command)
    text = _ROOM.sub("", "\n".join(command))
    return TaskLog("\n".join(tail), text or None)


def _is_open(command: list[str]) -> bool:
    """Whether a command line goes on in the next line: by its last word, or within quotes."""
    if command[-1].endswith(" \\"):
        return True
    try:
        shlex.split("\n".join(command))
    except ValueError:
        return True
    return False


def _lines(stream: Any) -> Iterator[str]:
    for message in stream:
        event = getattr(message, "event", None)
        text = str(event if event is not None else message)
        if text.startswith(("::group::", "::endgroup::")):
            continue
        error = getattr(message, "error_detail", None)
        yield text
        if error:
            yield from (f"{one.get('exc_type', '')}: {one.get('exc_value', '')}" for one in error)
