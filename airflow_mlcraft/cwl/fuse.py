"""Fused steps: the parts of a plan that run in one task.

A fused step is a step of the plan that is marked as such: a sub-workflow or a scatter, whose tools all run in the task
of the step. The marks are part of the plan, so a DAG and its versions follow from the plan alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from operator import is_
from typing import Literal, TypeAlias

from airflow_mlcraft.cwl.plan import Json, Link, Plan, Step, ToolRef, Workflow, hash_json
from airflow_mlcraft.errors import DocumentError

FuseMode: TypeAlias = Literal["off", "hinted", "all"]
"""Which steps are fused: none, those with the hint `mlcraft:Fuse`, or all that can be."""
FUSE_MODES: tuple[FuseMode, ...] = ("off", "hinted", "all")
HINT = "Fuse"
_KINDS = frozenset({"Split", "Process", "Train", "Tune", "Predict"})
"""The kinds of machine-learning steps that need nothing of Airflow while they run."""
_HARMLESS_HINTS = frozenset({HINT, "Dag"}) | _KINDS
"""The hints of steps that can run in the task of another one."""


def fuse_plan(plan: Plan, mode: FuseMode) -> Plan:
    """The plan with its fused steps marked; the same plan where there are none. Raises `DocumentError`."""
    root = _fuse_root(plan, mode)
    if root is plan.root:
        return plan
    return replace(plan, root=root, digest=hash_json([plan.digest, mode]))


def find_obstacle(step: Step, path: str) -> str:
    """Why a step with that path cannot be fused, as the end of a sentence; "" if it can."""
    # The hints about a task are those of the fused one.
    return _find_obstacle(step, path, _HARMLESS_HINTS | {"Task", "Data"})


def _find_obstacle(step: Step, path: str, allowed: AbstractSet[str]) -> str:
    for name in sorted(set(step.hints or {}) - allowed):
        return f"{path} has the hint mlcraft:{name}, which needs a task of its own"
    return _find_obstacle_in(step.run, path) if isinstance(step.run, Workflow) else ""


def _find_obstacle_in(workflow: Workflow, path: str) -> str:
    obstacles = (_find_obstacle(step, f"{path}/{step.id}".strip("/"), _HARMLESS_HINTS) for step in workflow.steps)
    return next(filter(None, obstacles), "")


def _has_hint(hints: Json, mode: FuseMode, where: str, document: str) -> bool:
    """Whether the hint is there and counts. Raises `DocumentError` for one with fields."""
    if HINT not in (hints or {}):
        return False
    if fields := hints[HINT]:
        raise DocumentError(f"hint mlcraft:Fuse of {where} has the field {min(fields)}; it has none", path=document)
    return mode != "off"


def _fuse_root(plan: Plan, mode: FuseMode) -> Workflow:
    root = plan.root
    is_hinted = _has_hint(root.hints, mode, "the workflow", plan.document)
    if plan.kind == "Workflow" and root.steps and (is_hinted or mode == "all"):
        obstacle = _find_obstacle_in(root, "")
        if not obstacle:
            return _wrap(root)
        if is_hinted:
            raise DocumentError(_refusal("the workflow", obstacle), path=plan.document)
    return _fuse_steps(root, mode, plan.document, "")


def _fuse_steps(workflow: Workflow, mode: FuseMode, document: str, path: str) -> Workflow:
    steps = tuple(_fuse_step(step, mode, document, f"{path}/{step.id}".strip("/")) for step in workflow.steps)
    return workflow if all(map(is_, steps, workflow.steps)) else replace(workflow, steps=steps)


def _fuse_step(step: Step, mode: FuseMode, document: str, path: str) -> Step:
    is_hinted = _has_hint(step.hints, mode, path, document)
    if step.loop:
        # A task for each iteration cannot be known before the run.
        if obstacle := find_obstacle(step, path):
            raise DocumentError(f"the loop of {path} runs in one task: {obstacle}", path=document)
        return replace(step, fused=True)
    if not step.scatter and isinstance(step.run, ToolRef):
        if is_hinted:
            raise DocumentError(
                f"hint mlcraft:Fuse of {path}: it is a single tool, and already one task; expected a sub-workflow, a "
                "scatter, or the workflow itself",
                path=document,
            )
        return step
    if is_hinted or mode == "all":
        obstacle = find_obstacle(step, path)
        if not obstacle and isinstance(step.run, ToolRef) and step.updates_in_place:
            obstacle = f"{path} changes its input files in place"
        if not obstacle:
            return replace(step, fused=True)
        if is_hinted:
            raise DocumentError(_refusal(path, obstacle), path=document)
    if not isinstance(step.run, Workflow):
        return step
    run = _fuse_steps(step.run, mode, document, path)
    return step if run is step.run else replace(step, run=run)


def _refusal(where: str, obstacle: str) -> str:
    return f"hint mlcraft:Fuse of {where}: {obstacle}; leave that hint out, or fuse steps without it"


STEPS = "steps"
"""The id of the step that a fused workflow consists of."""


def _wrap(root: Workflow) -> Workflow:
    """A workflow of one fused step, which runs all steps of the given one."""
    step = Step(
        id=STEPS,
        run=replace(root, interface="", hints=None),
        links=tuple(Link(id=port.id, sources=(port.id,)) for port in root.inputs),
        outputs=tuple(link.id for link in root.outputs),
        label=root.label,
        fused=True,
    )
    outputs = tuple(Link(id=link.id, sources=(f"{STEPS}/{link.id}",)) for link in root.outputs)
    return replace(root, steps=(step,), outputs=outputs)


def is_wrapped(root: Workflow) -> bool:
    """Whether a workflow is the result of fusing all its steps into one."""
    return len(root.steps) == 1 and root.steps[0].fused and root.steps[0].id == STEPS and not root.steps[0].scatter


def iterate_fused_paths(workflow: Workflow, path: str = "") -> Iterator[str]:
    """The paths of the fused steps of a workflow."""
    for step in workflow.steps:
        name = f"{path}/{step.id}".strip("/")
        if step.fused:
            yield name
        elif isinstance(step.run, Workflow):
            yield from iterate_fused_paths(step.run, name)
