"""The operator of the steps whose tool has the hint `mlcraft:Split`."""

from __future__ import annotations

from airflow_mlcraft.operators.ml_step import MlStepOperator


class SplitOperator(MlStepOperator):
    """Cuts a data set in two, by `mlcraft-step split`."""

    ui_color = "#fef7e0"
