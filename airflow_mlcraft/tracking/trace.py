"""The trace of a model version: its run, the DAG run with all steps, the data they read, and the document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Api, Dataset, RefusedError, Run, Version, quote_value
from airflow_mlcraft.tracking.registry import CHAMPION


@dataclass(frozen=True)
class StepInput:
    """A data set that a step has read."""

    name: str
    md5: str
    path: str
    url: str
    rev: str
    context: str


@dataclass(frozen=True)
class StepOutput:
    """A file or folder that a step produced."""

    name: str
    md5: str


@dataclass(frozen=True)
class Step:
    """A step of the DAG run, as MLflow has it."""

    run_id: str
    name: str
    task_id: str
    map_index: int
    status: str
    identity: str
    image: str
    worker: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    data: tuple[StepInput, ...]
    outputs: Mapping[str, tuple[StepOutput, ...]]
    plan: str
    reused_from: str
    reused_run: str


@dataclass(frozen=True)
class Trace:
    """Everything that a model version was produced from."""

    model: str
    version: str
    source: str
    content: str
    made_by: Step
    dag_id: str
    dag_run_id: str
    run_id: str
    steps: tuple[Step, ...]
    document: str
    document_hash: str
    plan: str
    git_commit: str

    @property
    def data(self) -> tuple[StepInput, ...]:
        """The data sets of all steps, each once."""
        return tuple({(data.md5, data.path): data for step in self.steps for data in step.data}.values())

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON-serializable data."""
        return {**asdict(self), "data": [asdict(data) for data in self.data]}


def trace_model(api: Api, model: str) -> Trace:
    """Trace `name@alias` or `name/version`, with or without `models:/`; a bare name means its champion."""
    version = _find_version(api, model)
    if not version.run_id:
        raise MlcraftError(f"version {version.version} of {version.model!r} does not say which run has made it")
    run = api.get_run(version.run_id)
    parent = _find_parent(api, run)
    steps = find_steps(api, parent) if parent else (_step(run),)
    inherited_tags = {**version.tags, **run.tags, **(parent.tags if parent else {})}
    return Trace(
        model=version.model,
        version=version.version,
        source=version.source,
        content=version.tags.get(tags.CONTENT, ""),
        made_by=_step(run),
        dag_id=inherited_tags.get(tags.DAG, ""),
        dag_run_id=inherited_tags.get(tags.RUN, ""),
        run_id=parent.id if parent else "",
        steps=steps,
        document=inherited_tags.get(tags.DOCUMENT, ""),
        document_hash=inherited_tags.get(tags.DOCUMENT_HASH, ""),
        plan=inherited_tags.get(tags.PLAN, ""),
        git_commit=inherited_tags.get(tags.GIT_COMMIT, ""),
    )


def _find_version(api: Api, model: str) -> Version:
    reference = model.removeprefix("models:/")
    name, at, alias = reference.partition("@")
    name, slash, number = (name, "", "") if at else reference.partition("/")
    if not name or (slash and not number) or (at and not alias):
        raise MlcraftError(f"{model!r} is no model; expected its name, name@alias, name/version, or models:/ and one")
    try:
        found = api.get_version(name, number) if slash else api.get_version_by_alias(name, alias or CHAMPION)
        if found is not None:
            return found
        versions = api.list_versions(name)
    except RefusedError as error:
        raise MlcraftError(f"there is no model version {reference!r}: {error}") from error
    if not versions:
        registered = ", ".join(sorted(api.list_registered_models())) or "none"
        raise MlcraftError(f"there is no registered model {name!r} with a version; the registry has {registered}")
    numbers = ", ".join(version.version for version in versions)
    raise MlcraftError(f"no version of {name!r} is called {alias or CHAMPION!r}; it has the versions {numbers}")


def _find_parent(api: Api, run: Run) -> Run | None:
    if tags.PARENT not in run.tags:
        return None
    try:
        return api.get_run(run.tags[tags.PARENT])
    except RefusedError as error:
        if error.missing:
            return None
        raise


def find_steps(api: Api, parent: Run) -> tuple[Step, ...]:
    """The steps of the run of a DAG run, in the order in which they began."""
    found = api.search_runs(parent.experiment_id, f"tags.`{tags.PARENT}` = {quote_value(parent.id)}")
    # Not every store returns the inputs of runs in a search; each run is fetched with them.
    return tuple(_step(api.get_run(step.id)) for step in found)


def _step(run: Run) -> Step:
    return Step(
        run_id=run.id,
        name=run.name,
        task_id=run.tags.get(tags.TASK, ""),
        map_index=int(run.tags.get(tags.MAP_INDEX, -1)),
        status=run.status,
        identity=run.tags.get(tags.STEP_IDENTITY, ""),
        image=run.tags.get(tags.IMAGE, ""),
        worker=run.tags.get(tags.WORKER, ""),
        params=dict(run.params),
        metrics=dict(run.metrics),
        data=tuple(_step_inputs(run.datasets)),
        outputs={
            name.removeprefix(tags.OUTPUT): tuple(_parse_outputs(text))
            for name, text in run.tags.items()
            if _is_output(name)
        },
        plan=run.tags.get(tags.PLAN, ""),
        reused_from=run.tags.get(tags.REUSED, ""),
        reused_run=run.tags.get(tags.REUSED_RUN, ""),
    )


def _is_output(name: str) -> bool:
    return name.startswith(tags.OUTPUT)


def _parse_outputs(text: str) -> Iterable[StepOutput]:
    for line in text.splitlines():
        name, _, md5 = line.rpartition(" ")
        yield StepOutput(name, md5)


def _step_inputs(datasets: Iterable[Dataset]) -> Iterable[StepInput]:
    for dataset in datasets:
        try:
            source = json.loads(dataset.source)
        except json.JSONDecodeError:
            source = {}
        yield StepInput(
            name=dataset.name,
            md5=source.get("md5", dataset.digest),
            path=source.get("path", ""),
            url=source.get("url", ""),
            rev=source.get("rev", ""),
            context=dataset.context,
        )
