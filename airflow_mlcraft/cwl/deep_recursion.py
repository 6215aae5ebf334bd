"""A thread with a deep stack: cwltool recurses once for each step in a chain of steps."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")

_RECURSION_LIMIT = 50_000
_STACK_BYTES = 512 * 1024 * 1024
"""Bytes of address space; the system only provides those that are used."""


def run_with_deep_stack(work: Callable[[], Result]) -> Result:
    """Call a function in a thread whose recursion may be much deeper than Python's default limit."""
    future, stack = sys.getrecursionlimit(), threading.stack_size(_STACK_BYTES)
    sys.setrecursionlimit(_RECURSION_LIMIT)
    try:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work).result()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(future)
