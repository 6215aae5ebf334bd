"""What the machine does while something runs, by the names that MLflow's pages know."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

import psutil

_MEGABYTE = 1e6
_PREFIX = "system/"


@contextlib.contextmanager
def sampled(tell: Callable[[Mapping[str, float], int], None], seconds: float) -> Iterator[None]:
    """Measure now, each so many seconds, and at the end."""
    stop = threading.Event()
    before = _Counters()
    psutil.cpu_percent()

    def sample(step: int) -> None:
        tell({_PREFIX + name: value for name, value in before.measure().items()}, step)

    def watch() -> None:
        step = 0
        while not stop.wait(seconds):
            sample(step)
            step += 1
        sample(step)

    thread = threading.Thread(target=watch, name="system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class _Counters:
    """Network and disk are told since the beginning."""

    def __init__(self) -> None:
        self._network = psutil.net_io_counters()
        self._disk = psutil.disk_io_counters()

    def measure(self) -> dict[str, float]:
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
