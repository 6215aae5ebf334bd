"""Progress in the format of Rabix Composer: a line on stderr for each step that starts or ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from airflow_mlcraft.runner.events import COMPLETED, FAILED, STARTED

COMPOSER_OPTION = "--enable-composer-logs"
_COMPOSER_STATES = {STARTED: "READY", COMPLETED: "COMPLETED", FAILED: "FAILED"}
_OUTDIR_OPTION = "--outdir"


def write_composer_line(step: str, state: str, message: str, out: TextIO | None = None) -> None:
    """Write the state of a step to stderr, in the format that Composer reads."""
    report = {"status": _COMPOSER_STATES[state], "stepId": f"root.{step}", "message": message}
    stream = out or sys.stderr
    # Composer parses each chunk as it arrives: a single write keeps the line complete.
    stream.write(f"Composer: {json.dumps(report)}\n")
    stream.flush()


def reorder_outdir(arguments: Sequence[str]) -> list[str]:
    """Move --outdir, which Composer passes last, before the document; later options are inputs of the document."""
    words = list(arguments)
    if COMPOSER_OPTION not in words or _OUTDIR_OPTION not in words:
        return words
    index = words.index(_OUTDIR_OPTION)
    return [*words[index : index + 2], *words[:index], *words[index + 2 :]]
