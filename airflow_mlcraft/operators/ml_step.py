"""What the operators of the machine-learning steps share: the work is done in the task's own process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft import environments, settings
from airflow_mlcraft.cwl.plan import ToolRef
from airflow_mlcraft.operators.permissions import permissions_of
from airflow_mlcraft.operators.report import record_in
from airflow_mlcraft.operators.step import CwlStepOperator
from airflow_mlcraft.operators.work import Work
from airflow_mlcraft.steps.failed_model import TAG
from airflow_mlcraft.steps.permissions import VARIABLE, Permissions
from airflow_mlcraft.steps.services import variable_of

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.in_process import OwnCommand, Say
    from airflow_mlcraft.cwl.orphaned_tools import ToolOwner
    from airflow_mlcraft.cwl.plan import Json

PROGRAM = "mlcraft-step"


class MlStepOperator(CwlStepOperator):
    """Runs a tool whose command is `mlcraft-step` without starting it: the same function, in this process.

    Where the project of the document has requirements of its own, the program of their environment runs instead. A
    tool that names another command, or a container, runs as any other tool does.
    """

    ui_color = "#fef7e0"

    def command(self, task: Work, identity: str) -> OwnCommand:
        """What is done in place of the program."""
        from airflow_mlcraft.cwl.in_process import OwnCommand

        # What a try leaves there is found by the next one; nothing else has the same identity.
        state = task.store.root / "state" / identity[:2] / identity
        own = environments.requirements_of(Path(self.base))
        tool = self.layout().place(self.step).step.run
        document = self.load_tool(tool.digest) if isinstance(tool, ToolRef) else None
        permissions = self.permissions(permissions_of(self.load_plan(), document, task.store, task.folder))
        variables = _variables(permissions)
        run = (
            partial(self._run_there, own, state, self.owner_of_tools(task), variables)
            if own
            else partial(self._run_here, state, permissions)
        )
        # A container has no files of the worker but those that were put into it for the step.
        return OwnCommand(PROGRAM, run, variables, _variables(replace(permissions, staged="/")))

    def permissions(self, found: Permissions) -> Permissions:
        """What the step may use: what the document and the settings say."""
        return found

    def surroundings(self) -> str:
        """The packages that the step finds."""
        return environments.key_of(environments.requirements_of(Path(self.base)))

    def may_be_remembered(self, outputs: dict[str, Json], task: Work) -> bool:
        """A model that failed is tried again: its package may be there then."""
        return TAG not in record_in(outputs, task.store).get("tags", {})

    def on_kill(self) -> None:
        """End the step, wherever it runs, when the task is told to stop."""
        environments.stop_steps()
        super().on_kill()

    def _run_there(  # noqa: PLR0917
        self,
        requirements: list[str],
        state: Path,
        owner: ToolOwner,
        more: Mapping[str, str],
        arguments: list[str],
        folder: Path,
        say: Say,
    ) -> int:
        from airflow_mlcraft.cwl.orphaned_tools import ended_with_this_process

        own = environments.environment(requirements, settings.get_path("environments"), say)
        variables = {environments.STATE: str(state), **owner.environment(), **more}
        for option, name in pairwise(arguments):
            if option == "--connection":
                variables[variable_of(name)] = str(_connection(name).uri)
        with ended_with_this_process(owner):
            return own.run_step(arguments, folder, say, variables)

    def _run_here(self, state: Path, permissions: Permissions, arguments: list[str], folder: Path, say: Say) -> int:
        from airflow_mlcraft.steps.command import run
        from airflow_mlcraft.steps.services import Services

        services = Services(secret=_secret, connection=_connection, state=state, say=say, permissions=permissions)
        with warnings.catch_warnings():
            # skops looks into every module that is loaded, and Airflow's old ones warn of each look.
            warnings.filterwarnings("ignore", r"The `airflow\.", FutureWarning)
            return run(arguments, folder=folder, services=services)


def _variables(permissions: Permissions) -> dict[str, str]:
    return {} if permissions.everything else {VARIABLE: permissions.to_json()}


def _secret(name: str) -> str | None:
    return os.environ.get(name)


def _connection(name: str) -> Any:
    """A connection of Airflow's, in the form of the steps."""
    from airflow.sdk import BaseHook

    from airflow_mlcraft.steps.services import Connection

    found = BaseHook.get_connection(name)
    extra = {key: str(value) for key, value in found.extra_dejson.items()}
    return Connection(found.get_uri(), found.login or "", found.password or "", extra)
