"""The first task of a run: its inputs, checked before any step runs, their files in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.inputs import (
    REQUIREMENTS,
    build_job,
    find_unknown_inputs,
    get_job_requirements,
    validate_job,
    warn_unknown_inputs,
)
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.permissions import (
    build_permissions,
    check_job_requirements,
    check_run_inputs,
    record_document_code,
)
from airflow_mlcraft.operators.task_files import open_task_files
from airflow_mlcraft.operators.task_run import begin_run
from airflow_mlcraft.operators.xcom_overflow import from_xcom, to_xcom
from airflow_mlcraft.steps.permissions import Permissions
from airflow_mlcraft.store.download import download_value


class CwlInputsOperator(CwlOperator):
    """Reads a run's inputs, checks them against the document, and puts their files into the store.

    :param inputs: the values, which may be XComs of other tasks; the run's configuration and form when None
    """

    template_fields: Sequence[str] = (*CwlOperator.template_fields, "inputs")
    ui_color = "#e6f4ea"

    def __init__(self, *, inputs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inputs = inputs

    def execute(self, context: Context) -> Json:
        """The inputs of the workflow."""
        with as_airflow_exceptions():
            plan = self.load_plan()
            job_object = self._read_inputs(context)
            requirements = get_job_requirements(job_object)
            check_job_requirements(requirements)
            folder = settings.get_path("input_folder") if settings.get("input_folder") else Path(self.base)
            warn_unknown_inputs(find_unknown_inputs(plan.root, job_object), plan.document, self.log_line)
            with open_task_files(self.base) as files:
                job = build_job(plan, job_object, folder=folder)
                # Inputs from other tasks of a DAG come from its author, not from the user who starts the run.
                permissions = build_permissions(plan) if self.inputs is None else Permissions()
                check_run_inputs(job, permissions)
                record_document_code(plan, job, files.store)
                job = download_value(files.stage(job), files.make_run_folder(), self.log_line, permissions.addresses)
                job = validate_job(
                    self.load_tool(plan.root.interface),
                    job,
                    document=plan.document,
                    folder=folder,
                    log=self.log_line,
                )
                stored = files.keep({port.id: job.get(port.id) for port in plan.root.inputs})
            begin_run(plan, context["ti"], stored)
            return to_xcom({**stored, REQUIREMENTS: requirements} if requirements else stored)

    def _read_inputs(self, context: Context) -> Mapping[str, Json]:
        if self.inputs is not None:
            values = {key: _list_if_lazy(value) for key, value in self.inputs.items()}
        else:
            values = {**context["params"], **(from_xcom(context["dag_run"].conf) or {})}
        if not isinstance(values, Mapping):
            raise InputError(f"the inputs must be a map of names and values, found {type(values).__name__}")
        return values


def _list_if_lazy(value: Any) -> Json:
    """A lazy sequence of mapped tasks' results as a list; other values as they are."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, list)):
        return list(value)
    return value
