"""What a step has used by its end: time of the processor, and memory at the most. Nothing has to be loaded for it."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self")
_UNIT = 1 if sys.platform == "darwin" else 1024
_MEGABYTE = 1e6


class Usage:
    """Counts from when it was made: this process, and the tools that it has run by then."""

    def __init__(self) -> None:
        self._seconds = _seconds()
        self._largest_tool = _largest(resource.RUSAGE_CHILDREN)
        # The system is to forget how much an earlier step of this process had.
        with suppress(OSError):
            (_OWN / "clear_refs").write_text("5")

    def measure(self) -> dict[str, float]:
        """Seconds and megabytes."""
        tool = _largest(resource.RUSAGE_CHILDREN)
        # Only a tool that is larger than those before is known to be of this step.
        most = max(_largest_of_this(), tool if tool > self._largest_tool else 0)
        return {"cpu_seconds": _seconds() - self._seconds, "peak_memory_megabytes": most / _MEGABYTE}


def _seconds() -> float:
    return sum(os.times()[:4])


def _largest(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * _UNIT


def _largest_of_this() -> int:
    with suppress(OSError):
        for line in (_OWN / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.removesuffix("kB")) * 1024
    return _largest(resource.RUSAGE_SELF)
