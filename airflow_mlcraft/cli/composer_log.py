"""What Rabix Composer hears of a run: a line on stderr for each step that starts or ends, in its own words."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from airflow_mlcraft.runner.step_progress import COMPLETED, FAILED, STARTED

OPTION = "--enable-composer-logs"
_WORDS = {STARTED: "READY", COMPLETED: "COMPLETED", FAILED: "FAILED"}
_WITH_VALUE = "--outdir"


def tell_composer(step: str, state: str, message: str, out: TextIO | None = None) -> None:
    """Tell of one step."""
    said = {"status": _WORDS[state], "stepId": f"root.{step}", "message": message}
    stream = out or sys.stderr
    # Composer reads whatever comes at once: one write keeps a line together.
    stream.write(f"Composer: {json.dumps(said)}\n")
    stream.flush()


def in_our_order(arguments: Sequence[str]) -> list[str]:
    """Composer names the folder for outputs last; with us, what follows the document belongs to it."""
    given = list(arguments)
    if OPTION not in given or _WITH_VALUE not in given:
        return given
    place = given.index(_WITH_VALUE)
    return [*given[place : place + 2], *given[:place], *given[place + 2 :]]
