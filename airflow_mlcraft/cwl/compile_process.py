"""The background compiler: `python -m airflow_mlcraft.cwl.compile_process CACHE` compiles the queued documents.

It runs with a low priority, and ends when the queue is empty. A child process compiles, so that a document that
crashes the compiler does not affect the others.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.compile_queue import LOG, cache_exists, has_waiting_lists, lock_compiler, pop_lists
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError

MAX_SECONDS = 600.0
"""Seconds that one document may take."""
_NICE = 10


def main(root: Path, max_seconds: float = MAX_SECONDS) -> None:
    """Compile until the queue is empty. Returns at once if another process is compiling for this cache."""
    os.nice(_NICE)
    while has_waiting_lists(root):
        with lock_compiler(root) as is_only_compiler:
            if not is_only_compiler:
                return
            for listed in pop_lists(root):
                documents = [Path(name) for name in listed["documents"]]
                cache = PlanCache(root, tuple(listed["hosts"]), listed["fuse"], listed["development"])
                compile_all(cache, documents, max_seconds)


def compile_all(cache: PlanCache, documents: list[Path], max_seconds: float = MAX_SECONDS) -> None:
    """Compile the changed documents; errors are stored in the cache as well."""
    context = multiprocessing.get_context("fork")
    first = 0
    while first < len(documents) and cache_exists(cache.root):
        current = context.Value("i", first)
        child = context.Process(target=_compile_from, args=(cache, documents, current))
        child.start()
        failure = _wait_for_child(child, current, max_seconds)
        if failure and current.value < len(documents):
            cache.store_failure(
                documents[current.value], "", f"cannot be compiled: {failure} ({cache.root / LOG} may say more)"
            )
        first = current.value + 1


def _compile_from(cache: PlanCache, documents: list[Path], current: Synchronized[int]) -> None:
    for number in range(current.value, len(documents)):
        current.value = number
        if not cache_exists(cache.root):
            break
        compile_document(cache, documents[number])
    current.value = len(documents)


def compile_document(cache: PlanCache, document: Path) -> None:
    """Compile a document into the cache, or each of its processes if none of them is the main one."""
    try:
        cache.get_plan(document)
    except SeveralProcessesError as several:
        for name in several.names:
            with suppress(DocumentError):
                cache.get_plan(document, name)
    except DocumentError:
        pass  # The error is in the cache.


def _wait_for_child(child: BaseProcess, current: Synchronized[int], max_seconds: float) -> str:
    """Wait for the child; returns the reason if it ended without finishing."""
    number, started = current.value, time.monotonic()
    while child.is_alive():
        child.join(timeout=1)
        if current.value != number:
            number, started = current.value, time.monotonic()
        elif time.monotonic() - started > max_seconds:
            child.kill()
            child.join()
            return f"it took more than {max_seconds:.0f} s"
    code = child.exitcode or 0
    if code == 0:
        return ""
    return "it ended the compiler" + (f" with signal {-code}" if code < 0 else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
