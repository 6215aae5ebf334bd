"""`train`: the project's workflow as a DAG run. What a model came to is told as soon as it is known."""

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
from airflow_mlcraft.project.documents import sync
from airflow_mlcraft.project.embedded import Finished, Listener, new_run_id, read_file, run_document
from airflow_mlcraft.project.overrides import Choice, choices
from airflow_mlcraft.project.own_code import keep_code
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.repository import commit_of
from airflow_mlcraft.project.run_records import MODELS, TRAIN, TUNE, ModelScore, RunRecord

if TYPE_CHECKING:
    from airflow_mlcraft.runner.events import TaskEvent


PROCESS = "process"


@dataclass
class Watch:
    """A run as it goes on, for who shows it. `changed` is called at each change."""

    changed: Callable[[Watch], None] = lambda _: None
    on_log: Callable[[str, str, str], None] = lambda *_: None
    metric: str = ""
    title: str = ""
    models: list[ModelScore] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    """The state of each task that is no model."""
    notes: list[str] = field(default_factory=list)
    """What the data gave rise to: columns left out, rows that should stay together."""
    ambiguous_dates: dict[str, dict[str, str]] = field(default_factory=dict)
    """Columns whose dates can be read in two ways, with an example and both formats."""
    done: int = 0
    total: int = 0

    def begin(self, title: str, metric: str, candidates: Sequence[run_inputs.Candidate]) -> None:
        """Another run."""
        self.title, self.metric = title, metric
        self.models = [ModelScore(one.model, dict(one.params), "waiting") for one in candidates]
        self.steps, self.done, self.total, self.notes = {}, 0, 0, []
        self.changed(self)

    def begin_other(self, title: str, metric: str, models: Sequence[ModelScore]) -> None:
        """A run about models that are there already."""
        self.title, self.metric = title, metric
        self.models = [replace(model, test={}, winner=False) for model in models]
        self.steps, self.done, self.total, self.notes = {}, 0, 0, []
        self.changed(self)

    def on_dag(self, dag: Any) -> None:
        """The tasks are known."""
        self.steps = {task.task_id: "waiting" for task in dag.tasks if task.task_id != TRAIN}
        self.total = len(dag.tasks)

    def on_event(self, event: TaskEvent, read_xcoms: Callable[[], Any]) -> None:
        """A task is in another state."""
        self.done, self.total = event.done, event.total
        if event.task_id != TRAIN:
            self.steps[event.task_id] = event.state
            if event.task_id == PROCESS and event.state == "success":
                outputs = read_xcoms()(PROCESS)
                self.notes = notes_of(outputs)
                if outputs and outputs.get("recipe"):
                    self.ambiguous_dates = read_file(outputs["recipe"]).get("ambiguous_dates", {})
        elif 0 <= event.map_index < len(self.models):
            found = replace(self.models[event.map_index], state=event.state, seconds=event.duration)
            if event.state == "success":
                given = read_xcoms()(TRAIN, event.map_index)
                found = with_result(found, given) if given else found
            self.models[event.map_index] = found
        self.changed(self)


def train(
    project: Project,
    *,
    models: Sequence[str] = (),
    tune: int = 0,
    overrides: Sequence[str] = (),
    parallel: int = 0,
    watch: Watch | None = None,
) -> list[RunRecord]:
    """Run the workflow once, or once for each combination that the overrides ask for. Gives a record of each run.

    A run that fails is a record too; what the project had as a champion stays.
    """
    watch = watch or Watch()
    made = []
    runs = choices(project, manifest.read(project), models, overrides, tuned=bool(tune))
    _add_packages(project, [candidate.model for candidate in runs[0].candidates], watch)
    for choice in runs:
        made.append(_train(project, choice, asked(choice, models, tune), tune, parallel, watch))
        if not made[-1].ok:
            break
    return made


def _add_packages(project: Project, models: Sequence[str], watch: Watch) -> None:
    """Have the packages of models that MLcraft knows by name but does not bring."""
    if lacking := dependencies.lacking_for(project, models):
        watch.on_log("dependencies", "warning", f"requirements.txt asks for {', '.join(lacking)} from now on")
        with restore_files_on_error(*dependencies.changed_by(project)):
            dependencies.add(project, lacking, lambda line: watch.on_log("dependencies", "info", line))


def job_of(project: Project, choice: Choice, tune: int) -> dict[str, Any]:
    """The inputs of a run, by name; files of the project are the documents' own."""
    given = run_inputs.defaults_of(project, choice.manifest)
    given |= (
        run_inputs.tuned(choice.manifest, choice.candidates, tune) if tune else run_inputs.trained(choice.candidates)
    )
    if choice.process:
        given["process_params"] = json.dumps(choice.process, sort_keys=True)
    unused = ("params", "threshold_metric") if tune else ("space", "trials")
    # Documents of an earlier version lack the inputs of switches that are off.
    off = {name for name, value in run_inputs.defaults_of(project, manifest.read(project)).items() if value is False}
    return {
        name: value
        for name, value in given.items()
        if value is not None and name not in unused and not (value is False and name in off)
    }


def asked(choice: Choice, models: Sequence[str], tune: int) -> dict[str, Any]:
    """What tells a run from one without options, by name."""
    return {
        **({MODELS: list(models)} if models else {}),
        **({TUNE: tune} if tune else {}),
        **choice.set,
    }


def _train(  # noqa: PLR0917
    project: Project, choice: Choice, given: Mapping[str, Any], tune: int, parallel: int, watch: Watch
) -> RunRecord:
    sync(project, manifest.read(project))
    run_id = new_run_id(TRAIN)
    started = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    title = choice.manifest.title + (f" · {choice.label}" if choice.label else "")
    watch.begin(title, choice.manifest.usual_metric, choice.candidates)
    listener = Listener(watch.on_dag, watch.on_event, watch.on_log)
    document = project.tuned_workflow if tune else project.workflow
    job = job_of(project, choice, tune)
    base = RunRecord(run_id, TRAIN, started, 0.0, "killed", choice.manifest.usual_metric, given)
    kept = keep_code(project, run_id)
    base = replace(base, commit=commit_of(project.folder), code=kept.commit, dirty=kept.dirty)
    begun = time.monotonic()
    try:
        finished = run_document(
            project, choice.manifest, document, job, run_id=run_id, listener=listener, parallel=parallel
        )
    except (KeyboardInterrupt, SystemExit):
        seconds = round(time.monotonic() - begun, 2)
        killed = replace(base, seconds=seconds, error="it was interrupted", models=tuple(watch.models))
        run_records.remember(project, killed)
        raise
    record = told(replace(base, notes=tuple(watch.notes)), finished, watch.models)
    run_records.remember(project, record)
    return record


def told(base: RunRecord, finished: Finished, models: Sequence[ModelScore]) -> RunRecord:
    """The record of a run that has ended."""
    record = replace(
        base,
        state=finished.result.state,
        seconds=round(finished.seconds, 2),
        models=tuple(models),
        error=finished.error([model.name for model in models]),
    )
    return with_outputs(record, finished.outputs) if finished.result.ok else record


_FILES = (
    ("models", "trained"),
    ("test", "test_part"),
    ("train", "train_part"),
    ("data", "data"),
    ("scores", "scores"),
)
"""What a record keeps of a workflow's outputs, and the outputs' names."""


def with_outputs(record: RunRecord, outputs: Mapping[str, Any]) -> RunRecord:
    """A record with what the workflow has given, in files of this machine."""
    files = {name: _path(outputs[port]) for name, port in _FILES if outputs.get(port) is not None}
    models = tuple(
        replace(model, cv=cross_validated(metrics))
        for model, metrics in zip(record.models, outputs["metrics"], strict=True)
    )
    data = (outputs.get("data") or {}).get("checksum", "")
    return with_scores(replace(record, models=models, outputs=files, data=data), read_file(outputs["scores"]))


def with_scores(record: RunRecord, scores: Mapping[str, Any]) -> RunRecord:
    """A record with what the evaluation said: scores.json."""
    tested = {model["name"]: model for model in scores["models"]}
    failed = {one["label"]: one["reason"] for one in scores.get("failed", ())}
    seen: dict[str, int] = {}
    models = []
    for model in record.models:
        seen[model.name] = seen.get(model.name, 0) + 1
        label = model.name if seen[model.name] == 1 else f"{model.name} ({seen[model.name]})"
        found = tested.get(label, {})
        fault = failed.get(label, "")
        state = "failed" if fault else model.state
        winner = scores["winner"] == label
        models.append(replace(model, test=found.get("test", {}), winner=winner, state=state, fault=fault))
    best = tested.get(scores["winner"] or "", {})
    baselines = [model["test"] for model in scores["models"] if model.get("role") == "baseline"]
    return replace(
        record,
        models=tuple(models),
        metric=scores["metric"],
        champion=champion_name(scores),
        score=best.get("test", {}).get(scores["metric"]),
        kept=bool(scores["kept"]),
        why=scores["why"],
        notes=(*record.notes, *scores.get("notes", ())),
        baseline=baselines[0] if baselines else {},
    )


def champion_name(scores: Mapping[str, Any]) -> str:
    """Of the model that won; the champion of today is told in brackets."""
    return (
        str(scores["winner"] or "").removeprefix("champion (").removesuffix(")")
        if scores["kept"]
        else str(scores["winner"] or "")
    )


def with_result(model: ModelScore, outputs: Mapping[str, Any]) -> ModelScore:
    """What the step that made a model says of it; a search has found its parameters."""
    params = read_file(outputs["params"]) if outputs.get("params") else model.params
    fault = read_file(outputs["metrics"]).get("failed", "")
    state = "failed" if fault else model.state
    return replace(model, cv=cross_validated(outputs["metrics"]), params=params, state=state, fault=fault)


def notes_of(outputs: Mapping[str, Any] | None) -> list[str]:
    """The notes of a recipe: what was decided about rows and columns that a user may want to decide otherwise."""
    if not outputs or not outputs.get("recipe"):
        return []
    recipe = read_file(outputs["recipe"])
    dropped = [f"the column {one['name']!r} is left out: it {one['why']}" for one in recipe.get("dropped", ())]
    return [*recipe.get("notes", ()), *dropped]


def cross_validated(metrics: Any) -> dict[str, float | None]:
    """The means over the folds, of a metrics.json."""
    return {name: found["mean"] for name, found in read_file(metrics).get("cv", {}).items()}


def _path(value: Any) -> Any:
    from airflow_mlcraft.store.values import local_path

    return [local_path(item) for item in value] if isinstance(value, list) else local_path(value)


def needs_champion(project: Project) -> Path:
    """The champion's folder; who has none is told how to get one."""
    if not (project.champion / "MLmodel").is_file():
        raise ProjectError(f"{project.name} has no champion yet", f"train one with `mlcraft train {project.name}`")
    return project.champion
