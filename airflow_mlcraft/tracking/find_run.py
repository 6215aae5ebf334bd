"""One run for one key, though several machines may want to make it at once.

MLflow gives a run its id when it makes it, so a run is found by a tag, and made where there is none. Who makes one
looks again before using it. Of those that are there then, a settled one is the run; else the lowest is to be, and the
others go: whoever has made one that is not the lowest takes it away, and the lowest waits for that before it is
settled. No two can both be settled, since of two the later look sees both.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.api import Api, Run, quoted

_PATIENCE = 3.0
_PAUSE = 0.05


def find_or_create(api: Api, experiment_id: str, key: str, *, name: str, start: int, tags: Mapping[str, str]) -> Run:
    """The run of a key."""

    def create() -> Run:
        return api.create_run(experiment_id, name, start, {**tags, names.KEY: key})

    mine = None if find(api, experiment_id, key) else create()
    deadline = time.monotonic() + _PATIENCE
    while True:
        found = find(api, experiment_id, key)
        settled = [run for run in found if names.SETTLED in run.tags]
        winner = settled[0] if settled else min(found, key=lambda run: run.id, default=mine)
        if winner is None:
            mine = create()
            continue
        if mine and mine.id != winner.id:
            api.delete_run(mine.id)
            mine = None
        if settled:
            return winner
        if (mine and len(found) <= 1) or time.monotonic() > deadline:
            api.log_batch(winner.id, [], {}, {names.SETTLED: "true"})
            return winner
        time.sleep(_PAUSE)


def find(api: Api, experiment_id: str, key: str) -> list[Run]:
    """The runs that have a key: one, but for the moment in which several are made."""
    return api.search_runs(experiment_id, f"tags.`{names.KEY}` = {quoted(key)}")
