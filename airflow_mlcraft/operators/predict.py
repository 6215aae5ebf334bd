"""The operator of the steps whose tool has the hint `mlcraft:Predict`."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import InputError
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.champion import champion_of_today, registered_name
from airflow_mlcraft.operators.ml_step import MlStepOperator
from airflow_mlcraft.operators.work import Work


class PredictOperator(MlStepOperator):
    """What a model says to a table, by `mlcraft-step predict`.

    The field of its hint: `registry`, the registered model whose champion predicts when no model is given.
    """

    ui_color = "#fef7e0"

    def prepare(self, job: dict[str, Json], task: Work, place: Place) -> dict[str, Json]:
        """The tool's inputs, with the champion where no model is given."""
        if self._run is None or job.get("model") is not None:
            return job
        name = registered_name((place.step.hints or {}).get("Predict", {}), self.load_plan())
        champion = champion_of_today(name, self._run, task, self.say)
        if champion is None:
            raise InputError(
                f"no model is given, and {name} has no champion; give one, or train some with {name} first"
            )
        return {**job, "model": task.stage(champion)}
