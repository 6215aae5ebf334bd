"""Sub-workflows closed below a depth, so that a drawing of a large workflow can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airflow_mlcraft.cwl.plan import Plan, Step, ToolRef, Workflow

READABLE = 80
"""Steps of a drawing that can still be read."""


def folded(plan: Plan, depth: int) -> Plan:
    """The plan with `depth` levels of workflows: with 1, each step that runs a workflow is a step like any other."""
    return replace(plan, root=_folded(plan.root, depth))


def readable_depth(plan: Plan) -> int:
    """How many levels a drawing may have to be readable; at least one, whatever its size."""
    deepest = depth_of(plan.root)
    return next((depth for depth in range(deepest, 1, -1) if steps_at(plan.root, depth) <= READABLE), 1)


def depth_of(workflow: Workflow) -> int:
    """How many levels of workflows there are."""
    return 1 + max((depth_of(inner) for inner in _inner(workflow)), default=0)


def steps_at(workflow: Workflow, depth: int) -> int:
    """How many steps a drawing of so many levels has, those that are opened apart."""
    opened = list(_inner(workflow)) if depth > 1 else []
    return len(workflow.steps) - len(opened) + sum(steps_at(inner, depth - 1) for inner in opened)


def _folded(workflow: Workflow, depth: int) -> Workflow:
    return replace(workflow, steps=tuple(_folded_step(step, depth) for step in workflow.steps))


def _folded_step(step: Step, depth: int) -> Step:
    if not isinstance(step.run, Workflow):
        return step
    if depth > 1:
        return replace(step, run=_folded(step.run, depth - 1))
    inside = steps_at(step.run, depth_of(step.run))
    kind = f"workflow of {inside} steps" if inside != 1 else "workflow of 1 step"
    return replace(step, run=ToolRef("", kind, step.run.id, step.run.label, step.run.doc))


def _inner(workflow: Workflow) -> Iterator[Workflow]:
    return (step.run for step in workflow.steps if isinstance(step.run, Workflow))
