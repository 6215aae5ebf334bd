"""The verb `train`: the project's workflow as a DAG run, its progress, and its record.

`TrainingProgress` collects states and scores during a run for the live table; `train` runs the workflow; the functions
after it convert the workflow's outputs and scores.json to run records.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.files import restore_files_on_error
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import dependencies, manifest, run_inputs, run_records
from airflow_mlcraft.project.documents import sync_documents
from airflow_mlcraft.project.embedded import FinishedRun, RunCallbacks, new_run_id, read_json_file, run_document
from airflow_mlcraft.project.overrides import PlannedRun, plan_runs
from airflow_mlcraft.project.own_code import commit_code
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import read_head_commit
from airflow_mlcraft.project.run_records import MODELS, TRAIN, TUNE, ModelScore, RunRecord

if TYPE_CHECKING:
    from airflow_mlcraft.runner.events import TaskEvent


PROCESS = "process"


@dataclass
class TrainingProgress:
    """The state of a run in progress, for display. `on_change` is called at each change."""

    on_change: Callable[[TrainingProgress], None] = lambda _: None
    on_log: Callable[[str, str, str], None] = lambda *_: None
    metric: str = ""
    title: str = ""
    models: list[ModelScore] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    """States of the tasks that do not train a model."""
    notes: list[str] = field(default_factory=list)
    """Warnings about the data: columns left out, rows that should stay together."""
    ambiguous_dates: dict[str, dict[str, str]] = field(default_factory=dict)
    """Columns whose dates have two possible formats, with an example and both formats."""
    done: int = 0
    total: int = 0

    def begin_training(self, title: str, metric: str, candidates: Sequence[run_inputs.Candidate]) -> None:
        """Reset for a training run."""
        self.title, self.metric = title, metric
        self.models = [ModelScore(one.model, dict(one.params), "waiting") for one in candidates]
        self.steps, self.done, self.total, self.notes = {}, 0, 0, []
        self.on_change(self)

    def begin_evaluation(self, title: str, metric: str, models: Sequence[ModelScore]) -> None:
        """Reset for an evaluation of models that are already trained."""
        self.title, self.metric = title, metric
        self.models = [replace(model, test={}, winner=False) for model in models]
        self.steps, self.done, self.total, self.notes = {}, 0, 0, []
        self.on_change(self)

    def on_dag(self, dag: Any) -> None:
        """Set the tasks of the DAG as waiting."""
        self.steps = {task.task_id: "waiting" for task in dag.tasks if task.task_id != TRAIN}
        self.total = len(dag.tasks)

    def on_event(self, event: TaskEvent, read_xcoms: Callable[[], Any]) -> None:
        """Update the state of a task; read the scores of a model that is trained."""
        self.done, self.total = event.done, event.total
        if event.task_id != TRAIN:
            self.steps[event.task_id] = event.state
            if event.task_id == PROCESS and event.state == "success":
                outputs = read_xcoms()(PROCESS)
                self.notes = read_notes(outputs)
                if outputs and outputs.get("recipe"):
                    self.ambiguous_dates = read_json_file(outputs["recipe"]).get("ambiguous_dates", {})
        elif 0 <= event.map_index < len(self.models):
            model = replace(self.models[event.map_index], state=event.state, seconds=event.duration)
            if event.state == "success":
                outputs = read_xcoms()(TRAIN, event.map_index)
                model = with_step_result(model, outputs) if outputs else model
            self.models[event.map_index] = model
        self.on_change(self)


def train(
    project: Project,
    *,
    models: Sequence[str] = (),
    tune: int = 0,
    overrides: Sequence[str] = (),
    parallel: int = 0,
    progress: TrainingProgress | None = None,
) -> list[RunRecord]:
    """Run the workflow once for each combination of the overrides. Returns the records of the runs.

    A failed run has a record too, ends the sweep, and keeps the champion of before.
    """
    progress = progress or TrainingProgress()
    records = []
    planned = plan_runs(project, manifest.read_manifest(project), models, overrides, tuned=bool(tune))
    _install_missing_packages(project, [candidate.model for candidate in planned[0].candidates], progress)
    for run in planned:
        records.append(_train(project, run, describe_options(run, models, tune), tune, parallel, progress))
        if not records[-1].ok:
            break
    return records


def _install_missing_packages(project: Project, models: Sequence[str], progress: TrainingProgress) -> None:
    """Install packages of models that are optional extras of MLcraft."""
    if missing := dependencies.find_missing(project, models):
        progress.on_log("dependencies", "warning", f"requirements.txt asks for {', '.join(missing)} from now on")
        with restore_files_on_error(*dependencies.changed_files(project)):
            dependencies.add_dependencies(project, missing, lambda line: progress.on_log("dependencies", "info", line))


def build_job(project: Project, run: PlannedRun, tune: int) -> dict[str, Any]:
    """The inputs of a run by name; files of the project are defaults in the documents."""
    inputs = run_inputs.build_default_inputs(project, run.manifest)
    inputs |= (
        run_inputs.build_tuning_inputs(run.manifest, run.candidates, tune)
        if tune
        else run_inputs.build_training_inputs(run.candidates)
    )
    if run.process:
        inputs["process_params"] = json.dumps(run.process, sort_keys=True)
    unused = ("params", "threshold_metric") if tune else ("space", "trials")
    # Documents of an earlier version may lack the inputs of boolean options, so false ones are left out.
    switched_off = {
        name
        for name, value in run_inputs.build_default_inputs(project, manifest.read_manifest(project)).items()
        if value is False
    }
    return {
        name: value
        for name, value in inputs.items()
        if value is not None and name not in unused and not (value is False and name in switched_off)
    }


def describe_options(run: PlannedRun, models: Sequence[str], tune: int) -> dict[str, Any]:
    """The options of a run by name, for its record."""
    return {
        **({MODELS: list(models)} if models else {}),
        **({TUNE: tune} if tune else {}),
        **run.set,
    }


def _train(  # noqa: PLR0917
    project: Project, run: PlannedRun, options: Mapping[str, Any], tune: int, parallel: int, progress: TrainingProgress
) -> RunRecord:
    sync_documents(project, manifest.read_manifest(project))
    run_id = new_run_id(TRAIN)
    started = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    title = run.manifest.title + (f" · {run.label}" if run.label else "")
    progress.begin_training(title, run.manifest.metric_or_default, run.candidates)
    listener = RunCallbacks(progress.on_dag, progress.on_event, progress.on_log)
    document = project.tuned_workflow if tune else project.workflow
    job = build_job(project, run, tune)
    record = RunRecord(run_id, TRAIN, started, 0.0, "killed", run.manifest.metric_or_default, options)
    code = commit_code(project, run_id)
    record = replace(record, commit=read_head_commit(project.folder), code=code.commit, dirty=code.dirty)
    start = time.monotonic()
    try:
        finished = run_document(
            project, run.manifest, document, job, run_id=run_id, listener=listener, parallel=parallel
        )
    except (KeyboardInterrupt, SystemExit):
        seconds = round(time.monotonic() - start, 2)
        killed = replace(record, seconds=seconds, error="it was interrupted", models=tuple(progress.models))
        run_records.write_record(project, killed)
        raise
    record = to_record(replace(record, notes=tuple(progress.notes)), finished, progress.models)
    run_records.write_record(project, record)
    return record


def to_record(record: RunRecord, finished: FinishedRun, models: Sequence[ModelScore]) -> RunRecord:
    """Complete the record of a run that has ended."""
    record = replace(
        record,
        state=finished.result.state,
        seconds=round(finished.seconds, 2),
        models=tuple(models),
        error=finished.error([model.name for model in models]),
    )
    return with_outputs(record, finished.outputs) if finished.result.ok else record


_RECORDED_OUTPUTS = (
    ("models", "trained"),
    ("test", "test_part"),
    ("train", "train_part"),
    ("data", "data"),
    ("scores", "scores"),
)
"""Keys of `RunRecord.outputs`, and the workflow outputs that they hold."""


def with_outputs(record: RunRecord, outputs: Mapping[str, Any]) -> RunRecord:
    """Add the workflow's outputs, which are files of this machine, to a record."""
    files = {name: _local_paths(outputs[port]) for name, port in _RECORDED_OUTPUTS if outputs.get(port) is not None}
    models = tuple(
        replace(model, cv=read_fold_means(metrics))
        for model, metrics in zip(record.models, outputs["metrics"], strict=True)
    )
    data = (outputs.get("data") or {}).get("checksum", "")
    return with_scores(replace(record, models=models, outputs=files, data=data), read_json_file(outputs["scores"]))


def with_scores(record: RunRecord, scores: Mapping[str, Any]) -> RunRecord:
    """Add the results of an evaluation, as in scores.json, to a record."""
    tested = {model["name"]: model for model in scores["models"]}
    reasons = {failure["label"]: failure["reason"] for failure in scores.get("failed", ())}
    counts: dict[str, int] = {}
    models = []
    for model in record.models:
        counts[model.name] = counts.get(model.name, 0) + 1
        label = model.name if counts[model.name] == 1 else f"{model.name} ({counts[model.name]})"
        result = tested.get(label, {})
        fault = reasons.get(label, "")
        state = "failed" if fault else model.state
        winner = scores["winner"] == label
        models.append(replace(model, test=result.get("test", {}), winner=winner, state=state, fault=fault))
    best = tested.get(scores["winner"] or "", {})
    baselines = [model["test"] for model in scores["models"] if model.get("role") == "baseline"]
    return replace(
        record,
        models=tuple(models),
        metric=scores["metric"],
        champion=format_champion_name(scores),
        score=best.get("test", {}).get(scores["metric"]),
        kept=bool(scores["kept"]),
        why=scores["why"],
        notes=(*record.notes, *scores.get("notes", ())),
        baseline=baselines[0] if baselines else {},
    )


def format_champion_name(scores: Mapping[str, Any]) -> str:
    """The name of the winner; if the champion stays, without `champion (…)` around it."""
    return (
        str(scores["winner"] or "").removeprefix("champion (").removesuffix(")")
        if scores["kept"]
        else str(scores["winner"] or "")
    )


def with_step_result(model: ModelScore, outputs: Mapping[str, Any]) -> ModelScore:
    """Add the outputs of a training step to a model: its scores, and the parameters that a search has found."""
    params = read_json_file(outputs["params"]) if outputs.get("params") else model.params
    fault = read_json_file(outputs["metrics"]).get("failed", "")
    state = "failed" if fault else model.state
    return replace(model, cv=read_fold_means(outputs["metrics"]), params=params, state=state, fault=fault)


def read_notes(outputs: Mapping[str, Any] | None) -> list[str]:
    """Notes of a recipe on automatic decisions about rows and columns, which the user may change."""
    if not outputs or not outputs.get("recipe"):
        return []
    recipe = read_json_file(outputs["recipe"])
    dropped = [f"the column {column['name']!r} is left out: it {column['why']}" for column in recipe.get("dropped", ())]
    return [*recipe.get("notes", ()), *dropped]


def read_fold_means(metrics: Any) -> dict[str, float | None]:
    """The mean of each metric over the folds, from metrics.json."""
    return {name: scores["mean"] for name, scores in read_json_file(metrics).get("cv", {}).items()}


def _local_paths(value: Any) -> Any:
    from airflow_mlcraft.store.values import local_path

    return [local_path(item) for item in value] if isinstance(value, list) else local_path(value)


def require_champion(project: Project) -> Path:
    """The folder of the champion. Raises ProjectError if there is none."""
    if not (project.champion / "MLmodel").is_file():
        raise ProjectError(f"{project.name} has no champion yet", f"train one with `mlcraft train {project.name}`")
    return project.champion
