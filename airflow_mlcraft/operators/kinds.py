"""Which operator a step has: its tool's hint names a kind of machine-learning step."""

from __future__ import annotations

from importlib import import_module

from airflow_mlcraft.cwl.plan import Plan, Step, Workflow
from airflow_mlcraft.operators.step import CwlStepOperator

_KINDS = {
    "Retrieve": "retrieve",
    "Split": "split",
    "Process": "process",
    "Train": "train",
    "Tune": "tune",
    "Evaluate": "evaluate",
    "Approve": "approve",
    "Predict": "predict",
    "Serve": "serve",
}

MODULES = {
    "airflow_mlcraft.operators.tracked_task",
    *(f"airflow_mlcraft.operators.{module}" for module in _KINDS.values()),
}
"""Of the operators whose runs are tracked without being asked for."""


def operator_of(step: Step) -> type[CwlStepOperator]:
    """The operator of a step that runs a tool."""
    kind = next((kind for kind in _KINDS if kind in (step.hints or {})), None)
    if kind is None:
        return CwlStepOperator
    module = import_module(f"airflow_mlcraft.operators.{_KINDS[kind]}")
    operator: type[CwlStepOperator] = getattr(module, f"{kind}Operator")
    return operator


def has_machine_learning(plan: Plan) -> bool:
    """Whether a step of a plan is of one of the kinds."""
    return _any_in(plan.root)


def _any_in(workflow: Workflow) -> bool:
    return any(
        _any_in(step.run) if isinstance(step.run, Workflow) else bool(_KINDS.keys() & (step.hints or {}).keys())
        for step in workflow.steps
    )
