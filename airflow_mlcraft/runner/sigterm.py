"""SIGTERM as an exception, so that a run is cleaned up as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Raise SystemExit at SIGTERM within the block. Does nothing outside of the main thread, which gets no signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def exit_process(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, exit_process)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
