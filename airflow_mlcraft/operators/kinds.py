"""Which operator a step has: its tool's hint names a kind of machine-learning step."""

from __future__ import annotations

from importlib import import_module

from airflow_mlcraft.cwl.plan import Step
from airflow_mlcraft.operators.kind_names import kind_of
from airflow_mlcraft.operators.step import CwlStepOperator


def operator_of(step: Step) -> type[CwlStepOperator]:
    """The operator of a step that runs a tool."""
    kind = kind_of(step)
    if kind is None:
        return CwlStepOperator
    module = import_module(f"airflow_mlcraft.operators.{kind.lower()}")
    operator: type[CwlStepOperator] = getattr(module, f"{kind}Operator")
    return operator
