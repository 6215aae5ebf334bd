"""The operator of the steps whose tool has the hint `mlcraft:Serve`."""

from __future__ import annotations

from dataclasses import replace

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.ml_step import MlStepOperator
from airflow_mlcraft.operators.work import Work
from airflow_mlcraft.steps.permissions import Permissions


class ServeOperator(MlStepOperator):
    """Rolls a model out, by `mlcraft-step serve`; the server outlives the task."""

    ui_color = "#e6f4ea"

    def prepare(self, job: dict[str, Json], task: Work, place: Place) -> dict[str, Json]:
        """The tool's inputs, with the folder that remembers what is served here."""
        if job.get("state_folder") is not None:
            return job
        return {**job, "state_folder": _deployments()}

    def permissions(self, found: Permissions) -> Permissions:
        """The folder of the setting needs no further one."""
        return replace(found, known=(*found.known, _deployments()))


def _deployments() -> str:
    return str(settings.get_path("deployments").absolute())
