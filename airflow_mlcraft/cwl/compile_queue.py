"""The queue of documents to compile in a background process, one for each plan cache.

A file in `waiting/` below the cache lists documents; `compiler.lock` is locked by the compiling process, and holds
its pid; `compiler.log` is the log of that process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from airflow_mlcraft.common.environment_variables import without_task_mark
from airflow_mlcraft.common.locks import locked_if_free
from airflow_mlcraft.cwl.cache import PlanCache, write_json
from airflow_mlcraft.cwl.plan import Json

LOG = "compiler.log"
_LOCK = "compiler.lock"
_LISTS = "waiting"


def enqueue(cache: PlanCache, name: str, documents: Iterable[Path]) -> subprocess.Popen[bytes] | None:
    """Queue documents for compilation, in their order; `name` keeps lists of different origin apart.

    Returns the compiling process if one had to be started.
    """
    listed = {
        "documents": [str(path) for path in documents],
        "hosts": sorted(cache.allowed_hosts),
        "fuse": cache.fuse,
        "development": cache.allow_development,
    }
    write_json(cache.root / _LISTS / f"{name}.json", listed)
    with lock_compiler(cache.root) as is_idle:
        pass
    return _start_compiler(cache.root) if is_idle else None


def pop_lists(root: Path) -> Iterator[Json]:
    """Iterate over the queued lists, and remove each of them."""
    for path in sorted((root / _LISTS).glob("*.json")):
        # Moved before it is read: a list that is queued meanwhile is another file, and stays queued.
        claimed = path.with_name(f".{path.name}.{os.getpid()}.taken")
        try:
            path.replace(claimed)
            listed = json.loads(claimed.read_bytes())
        except FileNotFoundError:
            continue
        finally:
            claimed.unlink(missing_ok=True)
        yield listed


def has_waiting_lists(root: Path) -> bool:
    """Whether the queue has a list."""
    return any((root / _LISTS).glob("*.json"))


@contextmanager
def lock_compiler(root: Path) -> Iterator[bool]:
    """Lock the compiler of a cache within the context; gives whether the lock was free.

    The operating system releases the lock when the process ends, however it ends.
    """
    root.mkdir(parents=True, exist_ok=True)
    with locked_if_free(root / _LOCK) as lock:
        if lock is not None:
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
        yield lock is not None


def cache_exists(root: Path) -> bool:
    """Whether the cache still exists; removing it stops the compilation."""
    return (root / _LOCK).exists()


def last_log_line(root: Path) -> str:
    """The last line of the compiling process's log."""
    with suppress(OSError):
        lines = (root / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""


def _start_compiler(root: Path) -> subprocess.Popen[bytes]:
    """Start the compiler in a session of its own, so that it continues when a parse has ended."""
    path = os.pathsep.join(folder for folder in sys.path if folder)
    with (root / LOG).open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "airflow_mlcraft.cwl.compile_process", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**without_task_mark(os.environ), "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        )
