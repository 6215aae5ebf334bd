"""A run with captured configuration: what was called, with what, from which source, where, and what it printed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_mlcraft.tracking import capture
from airflow_mlcraft.tracking.names import StepName
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.tags import GIT_COMMIT
from airflow_mlcraft.tracking.tracking import Tracking


@contextlib.contextmanager
def tracked_run(
    tracking: Tracking,
    name: StepName,
    function: Callable[..., Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: str | None = None,
) -> Iterator[TrackedRun]:
    """`Tracking.step`, with what a reader of the run will ask for; `capture.arguments` gives a call's `arguments`.

    Random numbers are seeded: with `seed`, or with one that follows from the run's name, so that a retry repeats it.
    """
    given = capture.readable(arguments or {})
    seed = capture.seed_from(name.key) if seed is None else seed
    with tracking.step(name, tags={**_commit(), **(tags or {})}, parent=parent) as run:
        run.params({**given, "seed": given.get("seed", seed)})
        run.tags(capture.host())
        if function is not None:
            run.tags({"function": f"{function.__module__}.{function.__qualname__}"})
            run.tags({"source_hash": capture.source_hash(function), **capture.packages(function)})
        capture.seed_everything(int(given.get("seed", seed)))
        with capture.printed() as parts:
            try:
                yield run
            finally:
                run.text("".join(parts), "printed.txt")


def _commit() -> dict[str, str]:
    commit = capture.git_commit()
    return {GIT_COMMIT: commit} if commit else {}
