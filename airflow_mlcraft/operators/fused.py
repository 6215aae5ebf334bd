"""The operator of a fused step: all tools of its sub-workflow or scatter run in one task.

Each parse of a DAG file imports this module, so what runs the steps is imported as the task runs.
"""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlPerItemOperator
from airflow_mlcraft.operators.values import Values


class CwlFusedOperator(CwlPerItemOperator):
    """Runs a sub-workflow or a scatter in this task: its steps in worker processes, side by side."""

    ui_color = "#e8f0fe"

    def on_kill(self) -> None:
        """End the tools when the task is killed."""
        from airflow_mlcraft.operators.fused_workers import kill_workers

        kill_workers()

    def execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The fused step's outputs, their files in the store; None when its condition is false."""
        from airflow_mlcraft.operators.fused_run import FusedRun

        raw = values.step_inputs(step_layout, item)
        return None if raw is None else FusedRun(self, values.ti, item).run(step_layout.step, raw)
