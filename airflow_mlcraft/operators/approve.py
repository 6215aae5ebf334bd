"""The operator of the steps whose tool has the hint `mlcraft:Approve`: a person decides, in Airflow's web UI."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, exceptions

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.operators.champion import crown, registered_name
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.ml_step import MlStepOperator
from airflow_mlcraft.operators.spill import restored
from airflow_mlcraft.operators.tracked import task_run

# Before Airflow 3.3 the triggerer waits for the answer.
_WAITING = tuple(
    getattr(exceptions, name) for name in ("TaskDeferred", "TaskAwaitingInput") if hasattr(exceptions, name)
)


class ApproveOperator(MlStepOperator):
    """Asks whether a model may become the champion, and crowns it when somebody says so.

    The field of its hint: `registry`, the registered model's name (the document's, when left out).
    """

    ui_color = "#fff3e0"

    def execute(self, context: Context) -> Json:
        """Ask; the task goes on in `answered`."""
        outputs = super().execute(context)
        try:
            self._approval(outputs).execute(context)
        except _WAITING as waiting:
            waiting.method_name = "answered"
            waiting.kwargs = {**(waiting.kwargs or {}), "outputs": outputs}
            raise
        return outputs

    def answered(self, context: Context, event: dict[str, Any], outputs: Json) -> Json:
        """The outputs, when the answer is yes."""
        with readable_failures(), task_run(self.load_plan(), context["ti"]) as self._run:
            answer = self._approval(outputs).execute_complete(context, event)
            who = (answer["responded_by_user"] or {}).get("name", "somebody")
            if answer["chosen_options"] != [ApprovalOperator.APPROVE]:
                raise AirflowFailException(f"{who} has rejected the model; nothing was crowned")
            if self._run is not None:
                plan = self.load_plan()
                hint = (self.layout().place(self.step).step.hints or {}).get("Approve", {})
                self._run.open().tags({"mlcraft.approved_by": who})
                crown(registered_name(hint, plan), restored(outputs)["model"], self._run, self.say)
        return outputs

    def _approval(self, outputs: Json) -> _Approval:
        name = registered_name({}, self.load_plan())
        return _Approval(task_id=self.task_id, subject=f"May this model be the champion of {name}?", body=None)


class _Approval(ApprovalOperator):
    """Airflow's own, without its way of skipping what is downstream."""

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        return super(ApprovalOperator, self).execute_complete(context, event)
