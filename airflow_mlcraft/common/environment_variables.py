"""Environment variables: set within a block, and the one that marks the processes of a task."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

TASK_MARK = "MLCRAFT_TASK"
"""Set for a task's tool and inherited by its child processes, which are ended with the task."""


def without_task_mark(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that outlives the task that starts it."""
    return {name: value for name, value in environment.items() if name != TASK_MARK}


@contextmanager
def set_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set these variables within the block, and restore the previous values afterwards."""
    previous = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
