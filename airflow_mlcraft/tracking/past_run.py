"""A past DAG run as MLflow has it: its inputs, and the outputs and metrics of each of its steps."""

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
"""The artifact with the inputs of a DAG run, by which it can be run again."""


@dataclass(frozen=True)
class PastRun:
    """The MLflow run of a DAG run, and the runs of its steps."""

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
        """Return the fields as JSON-serializable data."""
        return asdict(self)


def load_past_run(api: Api, run_or_dag_id: str, dag_run_id: str = "", *, experiment: str = "") -> PastRun:
    """Load a run by its MLflow id or the id of one of its steps, or by the ids of DAG and DAG run."""
    run = _find_dag_run(api, run_or_dag_id, dag_run_id, experiment) if dag_run_id else _find_top_run(api, run_or_dag_id)
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
        inputs=_read_inputs(api, run),
        steps=steps,
    )


def _find_top_run(api: Api, run_id: str) -> Run:
    try:
        run = api.get_run(run_id)
        while tags.PARENT in run.tags:
            run = api.get_run(run.tags[tags.PARENT])
    except RefusedError as error:
        raise MlcraftError(
            f"there is no run {run_id!r} in MLflow; expected the id of a run, or the ids of a DAG and of its run"
        ) from error
    if run.tags.get(tags.KIND) != "dag_run":
        raise MlcraftError(f"the run {run_id!r} is not one of a DAG run: it has been tracked by something else")
    return run


def _find_dag_run(api: Api, dag_id: str, dag_run_id: str, experiment: str) -> Run:
    experiment_id = api.find_experiment(experiment or dag_id)
    found = find_runs(api, experiment_id, DagRunName(dag_id, dag_run_id).key) if experiment_id else []
    if not found:
        raise MlcraftError(f"no run of the DAG {dag_id!r} with the run id {dag_run_id!r} is tracked")
    return api.get_run(found[0].id)


def _read_inputs(api: Api, run: Run) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(api.read_artifact(run.artifact_uri, INPUTS))
    except RefusedError as error:
        if not error.missing:
            raise
        raise MlcraftError(
            f"the run {run.name!r} ({run.id}) has no {INPUTS}, which says what it was given; "
            "it may not have come to its first step"
        ) from error
    return found
