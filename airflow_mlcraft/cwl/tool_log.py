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
"""Takes a level of `logging` and a line."""

_MAX_LINES = 8
_ERROR_LINE = re.compile(r"^\w*Error: .*$", re.MULTILINE)
_EXPRESSION_WARNING = "Failed to evaluate expression"
"""cwltool only warns of it, and it ends an ExpressionTool."""


@dataclass
class ToolStreams:
    """The ends of the pipes that a tool writes to."""

    stdout: IO[bytes]
    stderr: IO[bytes]
    recent_lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_LINES))
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=_MAX_LINES))

    def failure_lines(self) -> list[str]:
        """The lines that explain a failure: cwltool's errors, then the tool's last lines."""
        return [*self.errors, *self.recent_lines]


def extract_error(text: str) -> str:
    """What Node complains of, out of an error that has the whole script and all else that Node said."""
    match = _ERROR_LINE.search(text)
    return " ".join((match.group() if match else text.partition("script was:")[0]).split())


@contextmanager
def tool_log(log: LogLine) -> Iterator[ToolStreams]:
    """Streams for a tool; each line reaches `log` as it is written, and cwltool's own lines do too."""
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
    before = cwltool.handlers, cwltool.propagate, cwltool.level
    cwltool.handlers, cwltool.propagate = [handler], False
    cwltool.setLevel(logging.INFO)
    # It logs a traceback for each failed expression; cwltool then says the same in a sentence.
    cwl_utils.disabled = True
    try:
        yield streams
    finally:
        cwltool.handlers, cwltool.propagate = before[0], before[1]
        cwltool.setLevel(before[2])
        cwl_utils.disabled = False
        for stream in (streams.stdout, streams.stderr):
            stream.close()
        for reader in readers:
            # A process that the tool left behind may hold the pipe open; it is not waited for.
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
