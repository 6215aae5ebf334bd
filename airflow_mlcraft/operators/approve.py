"""The operator of the steps whose tool has the hint `mlcraft:Approve`: a person decides, in Airflow's web UI."""

from __future__ import annotations

from inspect import unwrap
from pathlib import Path
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Context, exceptions

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.champion import registered_name
from airflow_mlcraft.operators.crowning import CrowningOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.replay import outputs_of_then
from airflow_mlcraft.operators.spill import restored
from airflow_mlcraft.operators.tracked import task_run
from airflow_mlcraft.operators.work import Work
from airflow_mlcraft.store.values import local_path

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

    def conclude(self, given: dict[str, Json], outputs: dict[str, Json], task: Work, place: Place) -> None:
        """What the question shows."""
        if report := given.get("report"):
            self._report = Path(local_path(report)).read_text(errors="replace")[:_LONGEST]

    def _approval(self) -> ApprovalOperator:
        subject = f"May this model be the champion of {self._registered_name()}?"
        return ApprovalOperator(task_id=self.task_id, subject=subject, body=self._report or None)

    def _registered_name(self) -> str:
        hint = (self.layout().place(self.step).step.hints or {}).get("Approve", {})
        return registered_name(hint, self.load_plan())
