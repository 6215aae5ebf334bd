"""The process that compiles what waits: `python -m airflow_mlcraft.cwl.compile_process CACHE`.

It gives way to all others, and ends when no document waits any more. The compiling itself is done by a child, so
that a document that brings the compiler down takes no other along.
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
from airflow_mlcraft.cwl.compile_queue import LOG, is_wanted, lists_wait, sole_compiler, taken_lists
from airflow_mlcraft.errors import DocumentError, SeveralProcessesError

LONGEST = 600.0
"""Seconds that one document may take."""
_NICE = 10


def main(root: Path, longest: float = LONGEST) -> None:
    """Compile until nothing waits; leave it to the process that is at it already, if there is one."""
    os.nice(_NICE)
    while lists_wait(root):
        with sole_compiler(root) as alone:
            if not alone:
                return
            for listed in taken_lists(root):
                documents = [Path(name) for name in listed["documents"]]
                compile_all(PlanCache(root, tuple(listed["hosts"])), documents, longest)


def compile_all(cache: PlanCache, documents: list[Path], longest: float = LONGEST) -> None:
    """Compile documents that need it; errors go into the cache as well."""
    context = multiprocessing.get_context("fork")
    first = 0
    while first < len(documents) and is_wanted(cache.root):
        at = context.Value("i", first)
        child = context.Process(target=_compile_from, args=(cache, documents, at))
        child.start()
        why = _watch(child, at, longest)
        if why and at.value < len(documents):
            cache.refuse(documents[at.value], "", f"cannot be compiled: {why} ({cache.root / LOG} may say more)")
        first = at.value + 1


def _compile_from(cache: PlanCache, documents: list[Path], at: Synchronized[int]) -> None:
    for number in range(at.value, len(documents)):
        at.value = number
        if not is_wanted(cache.root):
            break
        compile_document(cache, documents[number])
    at.value = len(documents)


def compile_document(cache: PlanCache, document: Path) -> None:
    """Have a document's plan in the cache, or those of its processes where none is the main one."""
    try:
        cache.plan_of(document)
    except SeveralProcessesError as several:
        for name in several.names:
            with suppress(DocumentError):
                cache.plan_of(document, name)
    except DocumentError:
        pass  # It is in the cache.


def _watch(child: BaseProcess, at: Synchronized[int], longest: float) -> str:
    """Wait for the child; why it ended without being done."""
    number, since = at.value, time.monotonic()
    while child.is_alive():
        child.join(timeout=1)
        if at.value != number:
            number, since = at.value, time.monotonic()
        elif time.monotonic() - since > longest:
            child.kill()
            child.join()
            return f"it took more than {longest:.0f} s"
    code = child.exitcode or 0
    if code == 0:
        return ""
    return "it ended the compiler" + (f" with signal {-code}" if code < 0 else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
