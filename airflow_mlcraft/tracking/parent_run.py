"""The MLflow run of the current task, which becomes the parent of runs that the user's own code starts.

A run has no id before the sender has created it, so the environment may name a file of the spool that will hold it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

RUN_ID = "MLCRAFT_PARENT_RUN_ID"
NOTE = "MLCRAFT_PARENT_RUN_NOTE"
_TIMEOUT = 30.0
_POLL_SECONDS = 0.05


def read_parent_run(environment: Mapping[str, str] = os.environ, timeout: float = _TIMEOUT) -> dict[str, str]:
    """Return the `id` and `experiment_id` of the parent run; {} if they are not known within the timeout."""
    if run_id := environment.get(RUN_ID):
        return {"id": run_id}
    if not environment.get(NOTE):
        return {}
    note = Path(environment[NOTE])
    deadline = time.monotonic() + timeout
    while not note.exists():
        if time.monotonic() > deadline:
            return {}
        time.sleep(_POLL_SECONDS)
    found: dict[str, str] = json.loads(note.read_bytes())
    return found
