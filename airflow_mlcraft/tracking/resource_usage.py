"""CPU time and peak memory of a step, and system metrics while it runs, by the names that MLflow's pages know."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self")
_UNIT = 1 if sys.platform == "darwin" else 1024
_MEGABYTE = 1e6


class ResourceUsage:
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


_MEGABYTE = 1e6
_PREFIX = "system/"


@contextlib.contextmanager
def sample_usage(
    tell: Callable[[Mapping[str, float], int], None], seconds: float, *, after: float = 0
) -> Iterator[None]:
    """Measure each so many seconds, and at the end; until `after` so many seconds only what was used in all is told."""
    usage, stop = ResourceUsage(), threading.Event()

    def watch() -> None:
        if after and stop.wait(after):
            return
        before, step = _Counters(), 0
        while not stop.wait(seconds):
            _log_counters(step, before)
            step += 1
        _log_counters(step, before)

    def _log_counters(step: int, of: _Counters | ResourceUsage) -> None:
        tell({_PREFIX + name: value for name, value in of.measure().items()}, step)

    thread = threading.Thread(target=watch, name="system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _log_counters(0, usage)


class _Counters:
    """Network and disk are told since the beginning."""

    def __init__(self) -> None:
        # Loaded here, that is in the thread: a step that is over by then does without.
        import psutil

        self._psutil = psutil
        self._network = psutil.net_io_counters()
        self._disk = psutil.disk_io_counters()
        psutil.cpu_percent()

    def measure(self) -> dict[str, float]:
        psutil = self._psutil
        memory = psutil.virtual_memory()
        found = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / _MEGABYTE,
            "system_memory_usage_percentage": memory.percent,
            "process_memory_megabytes": psutil.Process().memory_info().rss / _MEGABYTE,
        }
        network, disk = psutil.net_io_counters(), psutil.disk_io_counters()
        if network and self._network:
            found["network_receive_megabytes"] = (network.bytes_recv - self._network.bytes_recv) / _MEGABYTE
            found["network_transmit_megabytes"] = (network.bytes_sent - self._network.bytes_sent) / _MEGABYTE
        if disk and self._disk:
            found["disk_read_megabytes"] = (disk.read_bytes - self._disk.read_bytes) / _MEGABYTE
            found["disk_write_megabytes"] = (disk.write_bytes - self._disk.write_bytes) / _MEGABYTE
        return found
