"""What the operators of the machine-learning steps share: the work is done in the task's own process."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from inspect import unwrap
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context, exceptions

from airflow_mlcraft import settings
from airflow_mlcraft.common import python_environments
from airflow_mlcraft.cwl.plan import Json, Step, ToolRef
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.layout.hints import get_step_kind
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.assets import model_alias, tell_of_model
from airflow_mlcraft.operators.champion import (
    LostChampionError,
    UnknownChampionError,
    champion_of_today,
    crown,
    registered_name,
)
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.permissions import permissions_of
from airflow_mlcraft.operators.reuse import outputs_of_then
from airflow_mlcraft.operators.run_report import record_in
from airflow_mlcraft.operators.step import CwlStepOperator
from airflow_mlcraft.operators.task_files import Work
from airflow_mlcraft.operators.task_run import task_run
from airflow_mlcraft.operators.xcom_overflow import restored
from airflow_mlcraft.steps.failed_model import TAG
from airflow_mlcraft.steps.permissions import VARIABLE, Permissions
from airflow_mlcraft.steps.services import variable_of
from airflow_mlcraft.store.values import local_path, oid_of

if TYPE_CHECKING:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    from airflow_mlcraft.cwl.inline_command import OwnCommand, Say
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
        from airflow_mlcraft.cwl.inline_command import OwnCommand

        # What a try leaves there is found by the next one; nothing else has the same identity.
        state = task.store.root / "state" / identity[:2] / identity
        own = python_environments.requirements_of(Path(self.base))
        tool = self.layout().step(self.step).step.run
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
        return python_environments.key_of(python_environments.requirements_of(Path(self.base)))

    def may_be_remembered(self, outputs: dict[str, Json], task: Work) -> bool:
        """A model that failed is tried again: its package may be there then."""
        return TAG not in record_in(outputs, task.store).get("tags", {})

    def on_kill(self) -> None:
        """End the step, wherever it runs, when the task is told to stop."""
        python_environments.stop_steps()
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

        own = python_environments.environment(requirements, settings.get_path("environments"), say)
        variables = {python_environments.STATE: str(state), **owner.environment(), **more}
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


class CrowningOperator(MlStepOperator):
    """Crowns models, and tells Airflow of it by an event of the model's asset."""

    @classmethod
    def args_of(cls, document: str) -> Mapping[str, Any]:
        """The models are known when a run ends; until then an alias stands for them."""
        return {"outlets": [model_alias(document)]}

    def crown(self, name: str, model: Json, *, only_first: bool = False) -> None:
        """Register a model, and make it the champion; with `only_first` only if there is none."""
        if self._run is None or self._context is None:
            return
        crown(name, model, self._run, self.say, only_first=only_first)
        if only_first:
            # Nobody knows by now whether there is another model.
            return
        ti = self._context["ti"]
        extra = {"content": oid_of(model), "dag_id": ti.dag_id, "run_id": ti.run_id}
        tell_of_model(self._context, model_alias(self.document), name, extra)


class RetrieveOperator(MlStepOperator):
    """Brings a data set here, by `mlcraft-step retrieve`."""

    ui_color = "#e6f4ea"


class SplitOperator(MlStepOperator):
    """Cuts a data set in two, by `mlcraft-step split`."""

    ui_color = "#fef7e0"


class ProcessOperator(MlStepOperator):
    """Cleans and splits a data set, by `mlcraft-step process`."""

    ui_color = "#fef7e0"


class TrainOperator(MlStepOperator):
    """Fits a model, by `mlcraft-step train`; scattered over names of models, one task a model."""

    ui_color = "#fce8e6"


class TuneOperator(MlStepOperator):
    """Searches for a model's parameters, by `mlcraft-step tune`; a retry goes on where the last try ended."""

    ui_color = "#fce8e6"


class EvaluateOperator(CrowningOperator):
    """Compares models with each other and with today's champion, and crowns the best.

    The fields of its hint: `registry`, the registered model's name (the document's, when left out); `crown`, false
    where an approval follows, which crowns instead.
    """

    ui_color = "#e8eaf6"
    _only_first = False

    def prepare(self, job: dict[str, Json], task: Work, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the champion of today."""
        if self._run is None or job.get("today") is not None:
            return job
        name, replaces = registered_name(self._hint(step_layout), self.load_plan()), bool(job.get("replace_champion"))
        try:
            champion = champion_of_today(name, self._run, task, self.say)
        except UnknownChampionError as error:
            self._only_first = not replaces
            self.warn(f"{error}; the best new model becomes the champion {'' if replaces else 'only if there is none'}")
            return job
        except LostChampionError as error:
            if not replaces:
                raise LostChampionError(
                    f"{error}. It stays the champion; to replace it without a comparison, set `replace_champion` of "
                    "the workflow (`mlcraft train NAME --set replace_champion=true`)"
                ) from None
            self.warn(f"{error}; it is replaced without a comparison, as was asked for")
            return job
        return job if champion is None else {**job, "today": task.stage(champion)}

    def conclude(self, given: dict[str, Json], outputs: dict[str, Json], task: Work, step_layout: StepLayout) -> None:
        """Crown the best, if it is not the champion of today."""
        best, hint = outputs.get("champion"), self._hint(step_layout)
        if best is None or hint.get("crown") is False:
            return
        today = task.keep(given.get("today"))
        if today is None or oid_of(today) != oid_of(best):
            self.crown(registered_name(hint, self.load_plan()), best, only_first=self._only_first)

    def _hint(self, step_layout: StepLayout) -> dict[str, Json]:
        hint: dict[str, Json] = (step_layout.step.hints or {}).get("Evaluate", {})
        return hint


_LONGEST = 20_000
# Before Airflow 3.3 the triggerer waits for the answer.
_WAITING = tuple(
    getattr(exceptions, name) for name in ("TaskDeferred", "TaskAwaitingInput") if hasattr(exceptions, name)
)


class ApproveOperator(CrowningOperator):
    """Asks whether a model may become the champion, and crowns it when somebody says so.

    The field of its hint: `registry`, the registered model's name (the document's, when left out).
    """

    ui_color = "#fff3e0"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._report = ""

    def execute(self, context: Context) -> Json:
        """Ask; the task goes on in `answered`."""
        outputs = super().execute(context)
        if outputs_of_then(context["ti"]) is not None:
            return outputs
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        try:
            # Airflow warns of a call that is not its own.
            unwrap(ApprovalOperator.execute)(self._approval(), context)
        except _WAITING as waiting:
            waiting.method_name = "answered"
            waiting.kwargs = {**(waiting.kwargs or {}), "outputs": outputs}
            raise
        return outputs

    def answered(self, context: Context, event: dict[str, Any], outputs: Json) -> Json:
        """The outputs, when the answer is yes."""
        from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

        self._context = context
        with readable_failures(), task_run(self.load_plan(), context["ti"]) as self._run:
            answer = HITLOperator.execute_complete(self._approval(), context, event)
            who = (answer["responded_by_user"] or {}).get("name", "somebody")
            if answer["chosen_options"] != [ApprovalOperator.APPROVE]:
                raise AirflowFailException(f"{who} has rejected the model; nothing was crowned")
            if self._run is not None:
                self._run.open().tags({"mlcraft.approved_by": who})
            self.crown(self._registered_name(), restored(outputs)["model"])
        return outputs

    def conclude(self, given: dict[str, Json], outputs: dict[str, Json], task: Work, step_layout: StepLayout) -> None:
        """What the question shows."""
        if report := given.get("report"):
            self._report = Path(local_path(report)).read_text(errors="replace")[:_LONGEST]

    def _approval(self) -> ApprovalOperator:
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        subject = f"May this model be the champion of {self._registered_name()}?"
        return ApprovalOperator(task_id=self.task_id, subject=subject, body=self._report or None)

    def _registered_name(self) -> str:
        hint = (self.layout().step(self.step).step.hints or {}).get("Approve", {})
        return registered_name(hint, self.load_plan())


class PredictOperator(MlStepOperator):
    """What a model says to a table, by `mlcraft-step predict`.

    The field of its hint: `registry`, the registered model whose champion predicts when no model is given.
    """

    ui_color = "#fef7e0"

    def prepare(self, job: dict[str, Json], task: Work, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the champion where no model is given."""
        if self._run is None or job.get("model") is not None:
            return job
        name = registered_name((step_layout.step.hints or {}).get("Predict", {}), self.load_plan())
        champion = champion_of_today(name, self._run, task, self.say)
        if champion is None:
            raise InputError(
                f"no model is given, and {name} has no champion; give one, or train some with {name} first"
            )
        return {**job, "model": task.stage(champion)}


class ServeOperator(MlStepOperator):
    """Rolls a model out, by `mlcraft-step serve`; the server outlives the task."""

    ui_color = "#e6f4ea"

    def prepare(self, job: dict[str, Json], task: Work, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the folder that remembers what is served here."""
        if job.get("state_folder") is not None:
            return job
        return {**job, "state_folder": _deployments()}

    def permissions(self, found: Permissions) -> Permissions:
        """The folder of the setting needs no further one."""
        return replace(found, known=(*found.known, _deployments()))


def _deployments() -> str:
    return str(settings.get_path("deployments").absolute())


OPERATORS: Mapping[str, type[MlStepOperator]] = {
    "Retrieve": RetrieveOperator,
    "Split": SplitOperator,
    "Process": ProcessOperator,
    "Train": TrainOperator,
    "Tune": TuneOperator,
    "Evaluate": EvaluateOperator,
    "Approve": ApproveOperator,
    "Predict": PredictOperator,
    "Serve": ServeOperator,
}
"""The operator of each kind of step, by the hint of its tool: `mlcraft:Train` has TrainOperator."""


def operator_of(step: Step) -> type[CwlStepOperator]:
    """The operator of a step that runs a tool."""
    kind = get_step_kind(step)
    if kind is None:
        return CwlStepOperator
    return OPERATORS[kind]
