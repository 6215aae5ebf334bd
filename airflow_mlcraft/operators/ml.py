"""The operators of the machine-learning steps: one for each hint `mlcraft:Retrieve`, `mlcraft:Train` and so on.

Their tools run in the task's own process. A new kind of step is an operator class here, its entry in `OPERATORS`, and
the fields of its hint in `layout/hints.py`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_sdk import WAITING_EXCEPTIONS
from airflow_mlcraft.common import python_environments
from airflow_mlcraft.cwl.plan import Json, Step, ToolRef
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.layout.hints import get_step_kind
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.assets import add_model_event, model_alias
from airflow_mlcraft.operators.champion import (
    ChampionFilesMissingError,
    UnknownChampionError,
    find_champion,
    register_champion,
    registered_model_name,
)
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.permissions import build_permissions
from airflow_mlcraft.operators.reuse import find_replayed_outputs
from airflow_mlcraft.operators.run_report import load_record
from airflow_mlcraft.operators.step import CwlStepOperator
from airflow_mlcraft.operators.task_files import TaskFiles
from airflow_mlcraft.operators.task_run import task_run
from airflow_mlcraft.operators.xcom_overflow import from_xcom
from airflow_mlcraft.steps.failed_model import TAG
from airflow_mlcraft.steps.permissions import VARIABLE, Permissions
from airflow_mlcraft.steps.services import connection_variable
from airflow_mlcraft.store.values import local_path, oid_of

if TYPE_CHECKING:
    from airflow_mlcraft.adapters.airflow_standard import Approval
    from airflow_mlcraft.cwl.inline_command import InlineCommand, WriteLine
    from airflow_mlcraft.cwl.orphaned_tools import ToolOwner

PROGRAM = "mlcraft-step"
"""The command of the tools that run in the task's process."""
_MAX_REPORT_CHARACTERS = 20_000


class MlStepOperator(CwlStepOperator):
    """Calls the function of `mlcraft-step` in this process, in place of a tool's command of that name.

    Where the document's project has requirements of its own, the command runs in their environment. A tool with
    another command, or in a container, runs as any other tool does.
    """

    ui_color = "#fef7e0"

    def inline_command(self, files: TaskFiles, identity: str) -> InlineCommand:
        """The function of `mlcraft-step`, in this process or in the environment of the project's requirements."""
        from airflow_mlcraft.cwl.inline_command import InlineCommand

        # Files that a try leaves there are found by the next one; no other step has the same identity.
        state = files.store.root / "state" / identity[:2] / identity
        requirements = python_environments.find_requirements(Path(self.base))
        tool = self.step_layout.step.run if self.step_layout else None
        document = self.load_tool(tool.digest) if isinstance(tool, ToolRef) else None
        permissions = self.adjust_permissions(build_permissions(self.load_plan(), document, files.store, files.folder))
        variables = _permission_variables(permissions)
        run = (
            partial(self._run_in_environment, requirements, state, self.build_tool_owner(files), variables)
            if requirements
            else partial(self._run_in_process, state, permissions)
        )
        # A container has only the files of the worker that were mounted for the step.
        return InlineCommand(PROGRAM, run, variables, _permission_variables(replace(permissions, staged="/")))

    def adjust_permissions(self, permissions: Permissions) -> Permissions:
        """The step's permissions; `permissions` has those of the document and the settings."""
        return permissions

    def environment_key(self) -> str:
        """The key of the project's requirements."""
        return python_environments.compute_key(python_environments.find_requirements(Path(self.base)))

    def is_reusable(self, outputs: dict[str, Json], files: TaskFiles) -> bool:
        """Whether no model has failed: a failed one is tried again, as its package may be installed by then."""
        return TAG not in load_record(outputs, files.store).get("tags", {})

    def on_kill(self) -> None:
        """End the step, in this process or in an environment of its own, when the task is killed."""
        python_environments.stop_steps()
        super().on_kill()

    def _run_in_environment(  # noqa: PLR0917
        self,
        requirements: list[str],
        state: Path,
        owner: ToolOwner,
        permission_variables: Mapping[str, str],
        arguments: list[str],
        folder: Path,
        log_line: WriteLine,
    ) -> int:
        from airflow_mlcraft.cwl.orphaned_tools import kill_on_parent_exit

        environment = python_environments.get_or_create_environment(
            requirements, settings.get_path("environments"), log_line
        )
        variables = {python_environments.STATE: str(state), **owner.environment(), **permission_variables}
        for option, name in pairwise(arguments):
            if option == "--connection":
                variables[connection_variable(name)] = str(_get_connection(name).uri)
        with kill_on_parent_exit(owner):
            return environment.run_step(arguments, folder, log_line, variables)

    def _run_in_process(
        self, state: Path, permissions: Permissions, arguments: list[str], folder: Path, log_line: WriteLine
    ) -> int:
        from airflow_mlcraft.steps.command import run
        from airflow_mlcraft.steps.services import Services

        services = Services(
            secret=os.environ.get, connection=_get_connection, state=state, log=log_line, permissions=permissions
        )
        with warnings.catch_warnings():
            # skops reads attributes of every loaded module, and Airflow's deprecated ones warn of each access.
            warnings.filterwarnings("ignore", r"The `airflow\.", FutureWarning)
            return run(arguments, folder=folder, services=services)


def _permission_variables(permissions: Permissions) -> dict[str, str]:
    """The environment variables that pass permissions to a step in another process."""
    return {} if permissions.everything else {VARIABLE: permissions.to_json()}


def _get_connection(name: str) -> Any:
    """A connection of Airflow's as the `Connection` of steps."""
    from airflow.sdk import BaseHook

    from airflow_mlcraft.steps.services import Connection

    connection = BaseHook.get_connection(name)
    extra = {key: str(value) for key, value in connection.extra_dejson.items()}
    return Connection(connection.get_uri(), connection.login or "", connection.password or "", extra)


class PromotingOperator(MlStepOperator):
    """Promotes models to champion, each with an event of the model's asset."""

    @classmethod
    def extra_task_args(cls, document: str) -> Mapping[str, Any]:
        """The alias of the document's models as outlet: which models there are is known only when a run ends."""
        return {"outlets": [model_alias(document)]}

    def promote(self, name: str, model: Json, *, only_first: bool = False) -> None:
        """Register a model, and make it the champion; with `only_first` only if there is none."""
        if self.task_run is None or self._context is None:
            return
        register_champion(name, model, self.task_run, self.log_line, only_first=only_first)
        if only_first:
            # Whether this model becomes the champion is not known yet.
            return
        ti = self._context["ti"]
        extra = {"content": oid_of(model), "dag_id": ti.dag_id, "run_id": ti.run_id}
        add_model_event(self._context, model_alias(self.document), name, extra)


class RetrieveOperator(MlStepOperator):
    """Retrieves a data set, by `mlcraft-step retrieve`."""

    ui_color = "#e6f4ea"


class SplitOperator(MlStepOperator):
    """Splits a data set into a training and a test part, by `mlcraft-step split`."""

    ui_color = "#fef7e0"


class ProcessOperator(MlStepOperator):
    """Cleans and splits a data set, by `mlcraft-step process`."""

    ui_color = "#fef7e0"


class TrainOperator(MlStepOperator):
    """Fits a model, by `mlcraft-step train`; scattered over names of models, one task a model."""

    ui_color = "#fce8e6"


class TuneOperator(MlStepOperator):
    """Searches for a model's parameters, by `mlcraft-step tune`; a retry continues the search of the last try."""

    ui_color = "#fce8e6"


class EvaluateOperator(PromotingOperator):
    """Compares models with each other and with the champion, and promotes the best.

    The fields of its hint: `registry`, the registered model's name (the document's, when left out); `crown`, false
    where an approval follows, which promotes instead.
    """

    ui_color = "#e8eaf6"
    _only_first = False

    def add_inputs(self, inputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the present champion as `today`."""
        if self.task_run is None or inputs.get("today") is not None:
            return inputs
        name = registered_model_name(_kind_hint(step_layout, "Evaluate"), self.load_plan())
        replace_champion = bool(inputs.get("replace_champion"))
        try:
            champion = find_champion(name, self.task_run, files, self.log_line)
        except UnknownChampionError as error:
            self._only_first = not replace_champion
            self.log_warning(
                f"{error}; the best new model becomes the champion "
                f"{'' if replace_champion else 'only if there is none'}"
            )
            return inputs
        except ChampionFilesMissingError as error:
            if not replace_champion:
                raise ChampionFilesMissingError(
                    f"{error}. It stays the champion; to replace it without a comparison, set `replace_champion` of "
                    "the workflow (`mlcraft train NAME --set replace_champion=true`)"
                ) from None
            self.log_warning(f"{error}; it is replaced without a comparison, as was asked for")
            return inputs
        return inputs if champion is None else {**inputs, "today": files.stage(champion)}

    def handle_outputs(
        self, inputs: dict[str, Json], outputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout
    ) -> None:
        """Promote the best model, if it is not the champion already."""
        best, hint = outputs.get("champion"), _kind_hint(step_layout, "Evaluate")
        if best is None or hint.get("crown") is False:
            return
        champion = files.keep(inputs.get("today"))
        if champion is None or oid_of(champion) != oid_of(best):
            self.promote(registered_model_name(hint, self.load_plan()), best, only_first=self._only_first)


class ApproveOperator(PromotingOperator):
    """Asks a person in Airflow's web UI whether a model may become the champion, and promotes it after the approval.

    The field of its hint: `registry`, the registered model's name (the document's, when left out).
    """

    ui_color = "#fff3e0"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._report = ""

    def execute(self, context: Context) -> Json:
        """Run the tool, and wait for the decision; the task continues in `execute_complete`."""
        outputs = super().execute(context)
        if find_replayed_outputs(context["ti"]) is not None:
            return outputs
        try:
            self._approval().ask(context)
        except WAITING_EXCEPTIONS as waiting:
            waiting.method_name = "execute_complete"
            waiting.kwargs = {**(waiting.kwargs or {}), "outputs": outputs}
            raise
        return outputs

    def execute_complete(self, context: Context, event: dict[str, Any], outputs: Json) -> Json:
        """Promote the model when it was approved, and return the outputs; fail when it was rejected."""
        self._context = context
        with as_airflow_exceptions(), task_run(self.load_plan(), context["ti"]) as self.task_run:
            is_approved, user = self._approval().read_answer(context, event)
            if not is_approved:
                raise AirflowFailException(f"{user} has rejected the model; nothing was crowned")
            if self.task_run is not None:
                self.task_run.open().tags({"mlcraft.approved_by": user})
            self.promote(self._registered_model_name(), from_xcom(outputs)["model"])
        return outputs

    # The name of the method that tasks deferred by earlier versions continue in.
    answered = execute_complete

    def handle_outputs(
        self, inputs: dict[str, Json], outputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout
    ) -> None:
        """Read the report, which the page of the approval shows."""
        if report := inputs.get("report"):
            self._report = Path(local_path(report)).read_text(errors="replace")[:_MAX_REPORT_CHARACTERS]

    def _approval(self) -> Approval:
        # Each parse of a DAG file imports this module, and an approval is rare.
        from airflow_mlcraft.adapters.airflow_standard import Approval

        subject = f"May this model be the champion of {self._registered_model_name()}?"
        return Approval(self.task_id, subject, self._report or None)

    def _registered_model_name(self) -> str:
        hint = _kind_hint(self.layout().step(self.step), "Approve")
        return registered_model_name(hint, self.load_plan())


class PredictOperator(MlStepOperator):
    """Predicts for the rows of a table, by `mlcraft-step predict`.

    The field of its hint: `registry`, the registered model whose champion predicts when no model is given.
    """

    ui_color = "#fef7e0"

    def add_inputs(self, inputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the champion where no model is given."""
        if self.task_run is None or inputs.get("model") is not None:
            return inputs
        name = registered_model_name(_kind_hint(step_layout, "Predict"), self.load_plan())
        champion = find_champion(name, self.task_run, files, self.log_line)
        if champion is None:
            raise InputError(
                f"no model is given, and {name} has no champion; give one, or train some with {name} first"
            )
        return {**inputs, "model": files.stage(champion)}


class ServeOperator(MlStepOperator):
    """Deploys a model to an inference server, by `mlcraft-step serve`; the server outlives the task."""

    ui_color = "#e6f4ea"

    def add_inputs(self, inputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout) -> dict[str, Json]:
        """The tool's inputs, with the folder that has the state of the servers on this machine."""
        if inputs.get("state_folder") is not None:
            return inputs
        return {**inputs, "state_folder": _deployments_folder()}

    def adjust_permissions(self, permissions: Permissions) -> Permissions:
        """The step's permissions, with the folder of the setting `deployments`."""
        return replace(permissions, known=(*permissions.known, _deployments_folder()))


def _deployments_folder() -> str:
    return str(settings.get_path("deployments").absolute())


def _kind_hint(step_layout: StepLayout, kind: str) -> dict[str, Json]:
    hint: dict[str, Json] = (step_layout.step.hints or {}).get(kind, {})
    return hint


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
"""The operator of each kind of step: a tool with the hint `mlcraft:Train` has the TrainOperator."""


def find_operator_class(step: Step) -> type[CwlStepOperator]:
    """The operator class of a step that runs a tool."""
    kind = get_step_kind(step)
    return CwlStepOperator if kind is None else OPERATORS[kind]
