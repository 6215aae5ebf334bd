"""The kinds of machine-learning steps, as hints name them."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Plan, Step, Workflow

KINDS = ("Retrieve", "Split", "Process", "Train", "Tune", "Evaluate", "Approve", "Predict", "Serve")

MODULES = {
    "airflow_mlcraft.operators.tracked_task",
    *(f"airflow_mlcraft.operators.{kind.lower()}" for kind in KINDS),
}
"""Of the operators whose runs are tracked without being asked for."""


def kind_of(step: Step) -> str | None:
    """The kind of a step that runs a tool, if it has one."""
    return next((kind for kind in KINDS if kind in (step.hints or {})), None)


def has_machine_learning(plan: Plan) -> bool:
    """Whether a step of a plan is of one of the kinds."""
    return _any_in(plan.root)


def _any_in(workflow: Workflow) -> bool:
    return any(
        _any_in(step.run) if isinstance(step.run, Workflow) else kind_of(step) is not None for step in workflow.steps
    )
