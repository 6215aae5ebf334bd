"""The operator of the steps whose tool has the hint `mlcraft:Tune`."""

from __future__ import annotations

from airflow_mlcraft.operators.ml_step import MlStepOperator


class TuneOperator(MlStepOperator):
    """Searches for a model's parameters, by `mlcraft-step tune`; a retry goes on where the last try ended."""

    ui_color = "#fce8e6"
