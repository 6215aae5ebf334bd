"""The operator of the steps whose tool has the hint `mlcraft:Retrieve`."""

from __future__ import annotations

from airflow_mlcraft.operators.ml_step import MlStepOperator


class RetrieveOperator(MlStepOperator):
    """Brings a data set here, by `mlcraft-step retrieve`."""

    ui_color = "#e6f4ea"
