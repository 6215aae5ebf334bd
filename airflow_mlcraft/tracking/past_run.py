"""A DAG run of the past, as it is tracked: what it was given, and what each of its steps has made and measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Api, RefusedError, Run
from airflow_mlcraft.tracking.names import DagRunName
from airflow_mlcraft.tracking.spool.delivery import find_runs
from airflow_mlcraft.tracking.trace import Step, find_steps

INPUTS = "inputs.json"
"""The artifact of the run of a DAG run by which it can be run again."""


@dataclass(frozen=True)
class PastRun:
    """The run of a DAG run, and those of its steps."""

    run_id: str
    dag_id: str
    dag_run_id: str
    status: str
    document: str
    document_hash: str
    plan: str
    git_commit: str
    inputs: Mapping[str, Any]
    steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def load_past_run(api: Api, asked: str, dag_run_id: str = "", *, experiment: str = "") -> PastRun:
    """A run by its MLflow id, or that of one of its steps; or by the ids of DAG and DAG run."""
    run = _of_dag_run(api, asked, dag_run_id, experiment) if dag_run_id else _of_id(api, asked)
    steps = tuple(step for step in find_steps(api, run) if step.task_id)
    plans = {step.plan for step in steps if step.plan} or {run.tags.get(tags.PLAN, "")} - {""}
    if len(plans) != 1:
        which = f"{len(plans)} documents" if plans else "no CWL document"
        raise MlcraftError(f"the run {run.name!r} ({run.id}) is of {which}; only a run of one can be looked back at")
    return PastRun(
        run_id=run.id,
        dag_id=run.tags.get(tags.DAG, ""),
        dag_run_id=run.tags.get(tags.RUN, ""),
        status=run.status,
        document=run.tags.get(tags.DOCUMENT, ""),
        document_hash=run.tags.get(tags.DOCUMENT_HASH, ""),
        plan=plans.pop(),
        git_commit=run.tags.get(tags.GIT_COMMIT, ""),
        inputs=_inputs(api, run),
        steps=steps,
    )


def _of_id(api: Api, asked: str) -> Run:
    try:
        run = api.get_run(asked)
        while tags.PARENT in run.tags:
            run = api.get_run(run.tags[tags.PARENT])
    except RefusedError as error:
        raise MlcraftError(
            f"there is no run {asked!r} in MLflow; expected the id of a run, or the ids of a DAG and of its run"
        ) from error
    if run.tags.get(tags.KIND) != "dag_run":
        raise MlcraftError(f"the run {asked!r} is not one of a DAG run: it has been tracked by something else")
    return run


def _of_dag_run(api: Api, dag_id: str, dag_run_id: str, experiment: str) -> Run:
    place = api.find_experiment(experiment or dag_id)
    found = find_runs(api, place, DagRunName(dag_id, dag_run_id).key) if place else []
    if not found:
        raise MlcraftError(f"no run of the DAG {dag_id!r} with the run id {dag_run_id!r} is tracked")
    return api.get_run(found[0].id)


def _inputs(api: Api, run: Run) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(api.read(run.artifact_uri, INPUTS))
    except RefusedError as error:
        if not error.missing:
            raise
        raise MlcraftError(
            f"the run {run.name!r} ({run.id}) has no {INPUTS}, which says what it was given; "
            "it may not have come to its first step"
        ) from error
    return found
