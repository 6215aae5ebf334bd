"""The run that is under way here, for mlflow in code of the user's own: its runs stand below that one.

A run has no id before the sender has made it, so the environment may name a file that will say it: the spool's note.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

RUN_ID = "MLCRAFT_PARENT_RUN_ID"
NOTE = "MLCRAFT_PARENT_RUN_NOTE"
_PATIENCE = 30.0
_LOOK = 0.05


def parent_run(environment: Mapping[str, str] = os.environ, patience: float = _PATIENCE) -> dict[str, str]:
    """Its `id` and `experiment_id`, as far as they can be known within so many seconds."""
    if run_id := environment.get(RUN_ID):
        return {"id": run_id}
    if not environment.get(NOTE):
        return {}
    note = Path(environment[NOTE])
    deadline = time.monotonic() + patience
    while not note.exists():
        if time.monotonic() > deadline:
            return {}
        time.sleep(_LOOK)
    found: dict[str, str] = json.loads(note.read_bytes())
    return found
