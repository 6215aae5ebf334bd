"""The operator of the steps whose tool has the hint `mlcraft:Train`."""

from __future__ import annotations

from airflow_mlcraft.operators.ml_step import MlStepOperator


class TrainOperator(MlStepOperator):
    """Fits a model, by `mlcraft-step train`; scattered over names of models, one task a model."""

    ui_color = "#fce8e6"
