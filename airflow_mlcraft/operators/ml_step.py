"""What the operators of the machine-learning steps share: the work is done in the task's own process."""

from __future__ import annotations

import os
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.operators.step import CwlStepOperator
from airflow_mlcraft.operators.work import Work

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.in_process import OwnCommand, Say

PROGRAM = "mlcraft-step"


class MlStepOperator(CwlStepOperator):
    """Runs a tool whose command is `mlcraft-step` without starting it: the same function, in this process.

    A tool that names another command, or a container, runs as any other tool does.
    """

    ui_color = "#fef7e0"

    def command(self, task: Work, identity: str) -> OwnCommand:
        """What is done in place of the program."""
        from airflow_mlcraft.cwl.in_process import OwnCommand

        # What a try leaves there is found by the next one; nothing else has the same identity.
        state = task.store.root / "state" / identity[:2] / identity
        return OwnCommand(PROGRAM, partial(self._run_here, state))

    def _run_here(self, state: Path, arguments: list[str], folder: Path, say: Say) -> int:
        from airflow_mlcraft.steps.command import run
        from airflow_mlcraft.steps.services import Services

        services = Services(secret=_secret, connection=_connection, state=state, say=say)
        with warnings.catch_warnings():
            # skops looks into every module that is loaded, and Airflow's old ones warn of each look.
            warnings.filterwarnings("ignore", r"The `airflow\.", FutureWarning)
            return run(arguments, folder=folder, services=services)


def _secret(name: str) -> str | None:
    return os.environ.get(name)


def _connection(name: str) -> Any:
    """A connection of Airflow's, in the form of the steps."""
    from airflow.sdk import BaseHook

    from airflow_mlcraft.steps.services import Connection

    found = BaseHook.get_connection(name)
    extra = {key: str(value) for key, value in found.extra_dejson.items()}
    return Connection(found.get_uri(), found.login or "", found.password or "", extra)
