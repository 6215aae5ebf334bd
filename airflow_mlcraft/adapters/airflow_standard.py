"""What the package uses of the standard provider beyond its operators' parameters: their classes and methods."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import unwrap
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.decorators.python import _PythonDecoratedOperator as PythonDecoratedOperator
from airflow.sdk import Context

if TYPE_CHECKING:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

__all__ = ["Approval", "PythonDecoratedOperator"]


@dataclass(frozen=True)
class Approval:
    """The question on a task's page in the web UI whether to go on."""

    task_id: str
    subject: str
    body: str | None = None

    def ask(self, context: Context) -> None:
        """Ask, then raise what makes the task wait: an exception with the method and arguments that it resumes with."""
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        # Airflow warns when code other than its own calls the decorated method.
        unwrap(ApprovalOperator.execute)(self._operator(), context)

    def read_answer(self, context: Context, event: dict[str, Any]) -> tuple[bool, str]:
        """Whether the answer is yes, and the name of the user who has given it."""
        from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

        # The method of `ApprovalOperator` would skip the tasks after this one.
        response = HITLOperator.execute_complete(self._operator(), context, event)
        user = (response["responded_by_user"] or {}).get("name", "somebody")
        return response["chosen_options"] == [ApprovalOperator.APPROVE], user

    def _operator(self) -> ApprovalOperator:
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        return ApprovalOperator(task_id=self.task_id, subject=self.subject, body=self.body)
