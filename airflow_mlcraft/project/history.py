"""The runs of a project for the verbs `history`, `compare`, `trace` and `reproduce`: records, comparison and code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.own_code import get_diffstat, list_code_files
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_records import MODELS_OF, TRAIN, TUNE, ModelScore, RunRecord


@dataclass(frozen=True)
class Comparison:
    """A comparison of runs. `differs` has the options that are not the same in all, with the value of each run."""

    metric: str
    higher_is_better: bool
    runs: list[RunRecord]
    differs: dict[str, list[Any]]
    scores: dict[str, list[float | None]]
    """By model: its score in each run on the test part."""
    code: dict[str, list[str]] = field(default_factory=dict)
    """By id of a run whose code differs from the run before it: the diffstat."""


def list_runs(project: Project, last: int = 0) -> list[RunRecord]:
    """The records of all runs, or of the last ones, newest last. Raises ProjectError if there is none."""
    runs = run_records.load_records(project)
    if not runs:
        raise ProjectError(f"{project.name} has not been run yet", f"start with `mlcraft train {project.name}`")
    return runs[-last:] if last else runs


def compare_runs(project: Project, runs: Sequence[str] = (), metric: str = "") -> Comparison:
    """Compare runs, named by the start or end of their ids; without names, the last two successful trainings."""
    from airflow_mlcraft.project.evaluation import validate_metric
    from airflow_mlcraft.project.manifest import read_manifest

    all_runs = list_runs(project)
    chosen = [find_run(project, all_runs, name) for name in runs] or [
        run for run in all_runs if run.ok and run.verb == TRAIN
    ][-2:]
    if len(chosen) < 2:  # noqa: PLR2004
        raise ProjectError(
            f"to compare takes two runs, and here is {'one' if chosen else 'none'} that ended well",
            f"make another with `mlcraft train {project.name} --set seed=7`",
        )
    from airflow_mlcraft.ml.metrics import METRICS

    metric_name = validate_metric(read_manifest(project).prediction, metric or chosen[-1].metric)
    keys = sorted({key for run in chosen for key in run.set} - {MODELS_OF})
    options = {key: [run.set.get(key) for run in chosen] for key in keys}
    labels = list(dict.fromkeys(label for run in chosen for label in _models_by_label(run)))
    return Comparison(
        metric_name,
        METRICS[metric_name].higher_is_better,
        chosen,
        {key: values for key, values in options.items() if any(value != values[0] for value in values)},
        {label: [find_score(_models_by_label(run).get(label), metric_name) for run in chosen] for label in labels},
        _find_code_changes(project, chosen),
    )


def _find_code_changes(project: Project, runs: Sequence[RunRecord]) -> dict[str, list[str]]:
    changes = {}
    for before, after in pairwise(runs):
        if before.code and after.code and (stat := get_diffstat(project, before.code, after.code)):
            changes[after.run_id] = stat
    return changes


def find_score(model: ModelScore | None, metric: str) -> float | None:
    """The score on the test part, or by cross-validation if there is none."""
    if model is None:
        return None
    return model.test.get(metric, model.cv.get(metric))


def label_of_model(model: ModelScore) -> str:
    """The name of a model with its parameters."""
    params = ", ".join(f"{name}={value}" for name, value in model.params.items())
    return f"{model.name} ({params})" if params else model.name


def _models_by_label(run: RunRecord) -> dict[str, ModelScore]:
    return {label_of_model(model): model for model in run.models}


def find_run(project: Project, runs: Sequence[RunRecord], name: str) -> RunRecord:
    """The run whose id is, starts or ends with this text. Raises ProjectError if there is none, or several."""
    matches = [run for run in runs if run.run_id == name] or [
        run for run in runs if run.run_id.startswith(name) or run.run_id.endswith(name)
    ]
    if len(matches) != 1:
        problem = "are several runs" if matches else "is no run"
        raise ProjectError(
            f"there {problem} of {project.name} called {name!r}", f"`mlcraft history {project.name}` lists all"
        )
    return matches[0]


def find_dag_run(project: Project, name: str) -> tuple[str, str]:
    """The ids of DAG and DAG run of a run; without a name, of the last successful training."""
    from airflow_mlcraft.project.evaluation import EVALUATE

    runs = list_runs(project)
    trained = [run for run in runs if run.ok and run.verb == TRAIN and not run.server]
    if not name and not trained:
        raise ProjectError(
            f"no run of {project.name} has ended well here", f"make one with `mlcraft train {project.name}`"
        )
    record = find_run(project, runs, name) if name else trained[-1]
    if record.server:
        raise ProjectError(f"{record.run_id} was a run of the Airflow at {record.server}", "reproduce it there")
    if record.verb == EVALUATE:
        return EVALUATE, record.run_id
    if record.dag:
        return record.dag, record.run_id
    return (f"{project.name}_tuned" if TUNE in record.set else project.name), record.run_id


@dataclass(frozen=True)
class RunCode:
    """The project's own code in a run."""

    commit: str
    dirty: str
    files: list[str]
    changed_since: list[str]
    """The diffstat of files that have changed since the run."""


def find_code(project: Project, run_id: str) -> RunCode | None:
    """The code of a run; None without a record of the run, or of its code."""
    record = next((run for run in run_records.load_records(project) if run.run_id == run_id), None)
    if record is None or not record.code:
        return None
    return RunCode(record.code, record.dirty, list_code_files(project, record.code), get_diffstat(project, record.code))
