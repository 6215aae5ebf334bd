"""Internals of prometheus-client: the files in which the workers of a server share their values.

The client reads the folder's variable when it is first imported, so this module does not import it by itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def share_values(folder: Path) -> None:
    """Let this process, and those that it starts, keep values in a folder. Call it before the client is imported."""
    os.environ[_FOLDER_VARIABLE] = str(folder)


def remove_live_gauges(folder: Path, pid: int) -> None:
    """Remove the gauges of a process that has ended, such as requests in flight; its counters stay.

    The client's own function does the same, but its import in the parent of the workers would take memory there.
    """
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink(missing_ok=True)


def collect_all_workers() -> CollectorRegistry:
    """A registry with the values of all processes of the folder."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
