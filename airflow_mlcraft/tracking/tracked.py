"""A run with captured configuration: what was called, with what, from which source, where, and what it printed."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from airflow_mlcraft.tracking import capture
from airflow_mlcraft.tracking.names import StepName
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.tags import GIT_COMMIT
from airflow_mlcraft.tracking.tracking import Tracking

log = logging.getLogger(__name__)


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
    chosen = given.get("seed")
    if isinstance(chosen, int) and not isinstance(chosen, bool):
        seed = chosen
    with tracking.step(name, tags={**_commit(), **(tags or {})}, parent=parent) as run:
        run.params({**given, "seed": seed})
        run.tags(capture.host())
        if function is not None:
            try:
                run.tags(capture.code(function))
            except Exception as error:
                log.warning("the code of %r is not tracked: %s", function, error)
        capture.seed_everything(seed)
        with capture.printed() as parts:
            try:
                yield run
            finally:
                run.text("".join(parts), "printed.txt")


def _commit() -> dict[str, str]:
    commit = capture.git_commit()
    return {GIT_COMMIT: commit} if commit else {}
