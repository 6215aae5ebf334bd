"""The output of a tool and of cwltool while the tool runs, forwarded to a log line by line."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TypeAlias

LogLine: TypeAlias = Callable[[int, str], None]
"""A function of a level of `logging` and a line."""

_MAX_LINES = 8
_ERROR_LINE = re.compile(r"^\w*Error: .*$", re.MULTILINE)
_EXPRESSION_WARNING = "Failed to evaluate expression"
"""cwltool only logs a warning for this error, which ends an ExpressionTool."""


@dataclass
class ToolStreams:
    """The writing ends of a tool's pipes, and the lines that failed runs report."""

    stdout: IO[bytes]
    stderr: IO[bytes]
    recent_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_LINES))
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_LINES))

    def failure_lines(self) -> list[str]:
        """The lines that explain a failure: cwltool's errors, then the tool's last lines."""
        return [*self.errors, *self.recent_lines]


def extract_error(text: str) -> str:
    """The message of a JavaScript error, without the script and the rest of Node's output."""
    match = _ERROR_LINE.search(text)
    return " ".join((match.group() if match else text.partition("script was:")[0]).split())


@contextmanager
def tool_log(log: LogLine) -> Iterator[ToolStreams]:
    """Streams for a tool; each line of them and of cwltool's log reaches `log` as it is written."""
    pipes = [os.pipe(), os.pipe()]
    stdout, stderr = (os.fdopen(write, "wb", buffering=0) for _, write in pipes)
    streams = ToolStreams(stdout, stderr)
    readers = [
        threading.Thread(target=_forward_lines, args=(read, label, log, streams.recent_lines), daemon=True)
        for (read, _), label in zip(pipes, ("stdout", "stderr"), strict=True)
    ]
    for reader in readers:
        reader.start()
    handler = _Handler(log, streams.errors)
    cwltool, cwl_utils = logging.getLogger("cwltool"), logging.getLogger("cwl-utils")
    previous = cwltool.handlers, cwltool.propagate, cwltool.level
    cwltool.handlers, cwltool.propagate = [handler], False
    cwltool.setLevel(logging.INFO)
    # cwl-utils logs a traceback for each failed expression, which cwltool then reports in a message.
    cwl_utils.disabled = True
    try:
        yield streams
    finally:
        cwltool.handlers, cwltool.propagate = previous[0], previous[1]
        cwltool.setLevel(previous[2])
        cwl_utils.disabled = False
        for stream in (streams.stdout, streams.stderr):
            stream.close()
        for reader in readers:
            # A process that the tool left behind may hold the pipe open; its end is not awaited.
            reader.join(timeout=1)


def _forward_lines(descriptor: int, label: str, log: LogLine, recent_lines: deque[str]) -> None:
    with os.fdopen(descriptor, "rb") as pipe:
        for raw in pipe:
            line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
            recent_lines.append(line)
            log(logging.INFO, f"[{label}] {line}")


class _Handler(logging.Handler):
    def __init__(self, log: LogLine, errors: deque[str]):
        super().__init__()
        self._log = log
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.ERROR or text.startswith(_EXPRESSION_WARNING):
            self._errors.append(extract_error(text))
        for line in text.splitlines():
            self._log(record.levelno, line)
