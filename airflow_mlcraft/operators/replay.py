"""What a run that repeats another takes over from it, by a file that the environment names.

A step that reaches outside (what it fetches may have changed, what it serves is served already) is not done again: its
outputs are those of then. Other steps get the inputs that did not come from the document.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.plan import Json

VARIABLE = "MLCRAFT_REPLAY"
OUTPUTS, INPUTS = "outputs", "inputs"


def key_of(task_id: str, map_index: int | None) -> str:
    """The name of a task instance in the file."""
    return task_id if map_index is None or map_index < 0 else f"{task_id}[{map_index}]"


def outputs_of_then(ti: Any) -> dict[str, Json] | None:
    """The outputs of a task instance in the run that is repeated; None where it is to be done again."""
    found: dict[str, Json] | None = _replay()[OUTPUTS].get(key_of(ti.task_id, ti.map_index))
    return found


def inputs_of_then(ti: Any) -> dict[str, Json]:
    """The inputs that a task instance had besides those of the document."""
    found: dict[str, Json] = _replay()[INPUTS].get(key_of(ti.task_id, ti.map_index), {})
    return found


def replaying() -> bool:
    """Whether this run repeats one of the past."""
    return bool(os.environ.get(VARIABLE))


def _replay() -> dict[str, Any]:
    return _read(os.environ.get(VARIABLE, ""))


@cache
def _read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_bytes()) if path else {OUTPUTS: {}, INPUTS: {}}
    return found
