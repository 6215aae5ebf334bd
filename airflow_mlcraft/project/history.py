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


def history(project: Project, last: int = 0) -> list[RunRecord]:
    """The runs, the newest last; only so many, where that is asked for."""
    found = run_records.runs_of(project)
    if not found:
        raise ProjectError(f"{project.name} has not been run yet", f"start with `mlcraft train {project.name}`")
    return found[-last:] if last else found


def compare(project: Project, runs: Sequence[str] = (), metric: str = "") -> Comparison:
    """Runs by the ends or beginnings of their names; the last two that ended well when none is named."""
    from airflow_mlcraft.project.evaluation import checked_metric
    from airflow_mlcraft.project.manifest import read

    every = history(project)
    chosen = [named(project, every, name) for name in runs] or [run for run in every if run.ok and run.verb == TRAIN][
        -2:
    ]
    if len(chosen) < 2:  # noqa: PLR2004
        raise ProjectError(
            f"to compare takes two runs, and here is {'one' if chosen else 'none'} that ended well",
            f"make another with `mlcraft train {project.name} --set seed=7`",
        )
    from airflow_mlcraft.ml.metrics import METRICS

    wanted = checked_metric(read(project).prediction, metric or chosen[-1].metric)
    keys = sorted({key for run in chosen for key in run.set} - {MODELS_OF})
    asked = {key: [run.set.get(key) for run in chosen] for key in keys}
    labels = list(dict.fromkeys(label for run in chosen for label in _labelled(run)))
    return Comparison(
        wanted,
        METRICS[wanted].higher_is_better,
        chosen,
        {key: values for key, values in asked.items() if any(value != values[0] for value in values)},
        {label: [score(_labelled(run).get(label), wanted) for run in chosen] for label in labels},
        _code_changes(project, chosen),
    )


def _code_changes(project: Project, runs: Sequence[RunRecord]) -> dict[str, list[str]]:
    found = {}
    for before, after in pairwise(runs):
        if before.code and after.code and (stat := diffstat(project, before.code, after.code)):
            found[after.run_id] = stat
    return found


def score(model: ModelScore | None, metric: str) -> float | None:
    """On the test part, or else by cross-validation."""
    if model is None:
        return None
    return model.test.get(metric, model.cv.get(metric))


def label(model: ModelScore) -> str:
    """A model with the parameters that tell it from others."""
    params = ", ".join(f"{name}={value}" for name, value in model.params.items())
    return f"{model.name} ({params})" if params else model.name


def _labelled(run: RunRecord) -> dict[str, ModelScore]:
    return {label(model): model for model in run.models}


def named(project: Project, every: Sequence[RunRecord], name: str) -> RunRecord:
    """The run whose name is this, or begins or ends with it."""
    found = [run for run in every if run.run_id == name] or [
        run for run in every if run.run_id.startswith(name) or run.run_id.endswith(name)
    ]
    if len(found) != 1:
        how = "are several runs" if found else "is no run"
        raise ProjectError(
            f"there {how} of {project.name} called {name!r}", f"`mlcraft history {project.name}` lists all"
        )
    return found[0]
