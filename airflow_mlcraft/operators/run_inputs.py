"""The first task of a run: its inputs, checked before any step runs, their files in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.inputs import REQUIREMENTS, checked, job_of, log_unknown, requirements_of, unknown_inputs
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.permissions import (
    check_job_requirements,
    check_run_inputs,
    permissions_of,
    remember_code_of,
)
from airflow_mlcraft.operators.task_files import work
from airflow_mlcraft.operators.task_run import begin_run
from airflow_mlcraft.operators.xcom_overflow import restored, spilled
from airflow_mlcraft.steps.permissions import Permissions
from airflow_mlcraft.store.download import downloaded


class CwlInputsOperator(CwlOperator):
    """Takes what a run was given, and makes of it what the document declares.

    :param inputs: the values, which may be XComs of other tasks; the run's configuration and form when None
    """

    template_fields: Sequence[str] = (*CwlOperator.template_fields, "inputs")
    ui_color = "#e6f4ea"

    def __init__(self, *, inputs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs = inputs

    def execute(self, context: Context) -> Json:
        """The inputs of the workflow."""
        with readable_failures():
            plan = self.load_plan()
            given = self._given(context)
            requirements = requirements_of(given)
            check_job_requirements(requirements)
            folder = settings.get_path("input_folder") if settings.get("input_folder") else Path(self.base)
            log_unknown(unknown_inputs(plan.root, given), plan.document, self.say)
            with work(self.base) as task:
                job = job_of(plan, given, folder=folder)
                # What other tasks of a DAG hand over is of its author, and not of whoever starts it.
                permissions = permissions_of(plan) if self.inputs is None else Permissions()
                check_run_inputs(job, permissions)
                remember_code_of(plan, job, task.store)
                job = downloaded(task.stage(job), task.room(), self.say, permissions.addresses)
                job = checked(
                    self.load_tool(plan.root.interface),
                    job,
                    document=plan.document,
                    folder=folder,
                    log=self.say,
                )
                kept = task.keep({port.id: job.get(port.id) for port in plan.root.inputs})
            begin_run(plan, context["ti"], kept)
            return spilled({**kept, REQUIREMENTS: requirements} if requirements else kept)

    def _given(self, context: Context) -> Mapping[str, Json]:
        if self.inputs is not None:
            given = {key: _plain(value) for key, value in self.inputs.items()}
        else:
            given = {**context["params"], **(restored(context["dag_run"].conf) or {})}
        if not isinstance(given, Mapping):
            raise InputError(f"the inputs must be a map of names and values, found {type(given).__name__}")
        return given


def _plain(value: Any) -> Json:
    """Lazy sequences of mapped tasks' results as lists."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, list)):
        return list(value)
    return value
