"""`history` and `compare`: the runs of a project, and some of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import run_records
from airflow_mlcraft.project.own_code import diffstat
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_records import MODELS_OF, TRAIN, ModelScore, RunRecord


@dataclass(frozen=True)
class Comparison:
    """Runs side by side. `differs` is what they were asked that is not the same in all."""

    metric: str
    higher_is_better: bool
    runs: list[RunRecord]
    differs: dict[str, list[Any]]
    scores: dict[str, list[float | None]]
    """Of each model, what it came to in each run on the test part."""
    code: dict[str, list[str]] = field(default_factory=dict)
    """Of each run but the first whose code is not that of the one before: the files that differ, as a diffstat."""


def list_runs(project: Project, last: int = 0) -> list[RunRecord]:
    """The runs, the newest last; only so many, where that is asked for."""
    runs = run_records.load_records(project)
    if not runs:
        raise ProjectError(f"{project.name} has not been run yet", f"start with `mlcraft train {project.name}`")
    return runs[-last:] if last else runs


def compare_runs(project: Project, runs: Sequence[str] = (), metric: str = "") -> Comparison:
    """Runs by the ends or beginnings of their names; the last two that ended well when none is named."""
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
        if before.code and after.code and (stat := diffstat(project, before.code, after.code)):
            changes[after.run_id] = stat
    return changes


def find_score(model: ModelScore | None, metric: str) -> float | None:
    """On the test part, or else by cross-validation."""
    if model is None:
        return None
    return model.test.get(metric, model.cv.get(metric))


def label_of_model(model: ModelScore) -> str:
    """A model with the parameters that tell it from others."""
    params = ", ".join(f"{name}={value}" for name, value in model.params.items())
    return f"{model.name} ({params})" if params else model.name


def _models_by_label(run: RunRecord) -> dict[str, ModelScore]:
    return {label_of_model(model): model for model in run.models}


def find_run(project: Project, runs: Sequence[RunRecord], name: str) -> RunRecord:
    """The run whose name is this, or begins or ends with it."""
    matches = [run for run in runs if run.run_id == name] or [
        run for run in runs if run.run_id.startswith(name) or run.run_id.endswith(name)
    ]
    if len(matches) != 1:
        problem = "are several runs" if matches else "is no run"
        raise ProjectError(
            f"there {problem} of {project.name} called {name!r}", f"`mlcraft history {project.name}` lists all"
        )
    return matches[0]
