"""What the machine does while something runs, by the names that MLflow's pages know."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping

from airflow_mlcraft.tracking.usage import Usage

_MEGABYTE = 1e6
_PREFIX = "system/"


@contextlib.contextmanager
def sampled(tell: Callable[[Mapping[str, float], int], None], seconds: float, *, after: float = 0) -> Iterator[None]:
    """Measure each so many seconds, and at the end; until `after` so many seconds only what was used in all is told."""
    usage, stop = Usage(), threading.Event()

    def watch() -> None:
        if after and stop.wait(after):
            return
        before, step = _Counters(), 0
        while not stop.wait(seconds):
            _tell(step, before)
            step += 1
        _tell(step, before)

    def _tell(step: int, of: _Counters | Usage) -> None:
        tell({_PREFIX + name: value for name, value in of.measure().items()}, step)

    thread = threading.Thread(target=watch, name="system-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        _tell(0, usage)


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
