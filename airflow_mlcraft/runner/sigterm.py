"""SIGTERM ends a run as Ctrl-C does: whatever has to be put in order on the way out, is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Within, SIGTERM raises SystemExit; nothing changes outside of the main thread, where nobody hears signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
