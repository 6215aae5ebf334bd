"""CPU time and peak memory of a step, and system metrics while it runs, by the names that MLflow's pages use."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_PROC_SELF = Path("/proc/self")
_UNIT = 1 if sys.platform == "darwin" else 1024
_MEGABYTE = 1e6


class ResourceUsage:
    """The CPU time and peak memory of this process and its child processes since the object was created."""

    def __init__(self) -> None:
        self._seconds_before = _cpu_seconds()
        self._child_peak_before = _peak_memory(resource.RUSAGE_CHILDREN)
        # Resets the peak memory, which an earlier step in this process may have raised.
        with suppress(OSError):
            (_PROC_SELF / "clear_refs").write_text("5")

    def measure(self) -> dict[str, float]:
        """Return CPU seconds and the peak memory in megabytes."""
        child = _peak_memory(resource.RUSAGE_CHILDREN)
        # Only a child process larger than all earlier ones certainly belongs to this step.
        peak = max(_own_peak_memory(), child if child > self._child_peak_before else 0)
        return {"cpu_seconds": _cpu_seconds() - self._seconds_before, "peak_memory_megabytes": peak / _MEGABYTE}


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _peak_memory(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * _UNIT


def _own_peak_memory() -> int:
    with suppress(OSError):
        for line in (_PROC_SELF / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.removesuffix("kB")) * 1024
    return _peak_memory(resource.RUSAGE_SELF)


_MEGABYTE = 1e6
_PREFIX = "system/"


@contextlib.contextmanager
def sample_usage(
    log_metrics: Callable[[Mapping[str, float], int], None], seconds: float, *, after: float = 0
) -> Iterator[None]:
    """Log the usage at the end, and system metrics each `seconds` once the block has lasted for `after` seconds."""
    usage, stop = ResourceUsage(), threading.Event()

    def sample() -> None:
        if after and stop.wait(after):
            return
        counters, step = _SystemCounters(), 0
        while not stop.wait(seconds):
            _log_counters(step, counters)
            step += 1
        _log_counters(step, counters)

    def _log_counters(step: int, source: _SystemCounters | ResourceUsage) -> None:
        log_metrics({_PREFIX + name: value for name, value in source.measure().items()}, step)

    thread = threading.Thread(target=sample, name="system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _log_counters(0, usage)


class _SystemCounters:
    """System metrics; network and disk are counted from the creation of the object."""

    def __init__(self) -> None:
        # Imported here, in the thread, so that a short step does not pay for the import.
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
