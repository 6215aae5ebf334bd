"""The operator of the steps whose tool has the hint `mlcraft:Process`."""

from __future__ import annotations

from airflow_mlcraft.operators.ml_step import MlStepOperator


class ProcessOperator(MlStepOperator):
    """Cleans and splits a data set, by `mlcraft-step process`."""

    ui_color = "#fef7e0"
