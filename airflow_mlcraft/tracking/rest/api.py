"""A tracking server, asked by MLflow's REST API; mlflow is not imported."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow_mlcraft.tracking.api import Dataset, LoggedModel, Metric, RefusedError, Run, Version, quote_value
from airflow_mlcraft.tracking.rest.http import Http
from airflow_mlcraft.tracking.tags import CONTENT, CONTEXT

_V2 = "/api/2.0/mlflow"
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
_PAGE = 1000


class RestApi:
    """The `Api` of a server."""

    def __init__(self, http: Http):
        self._http = http
        self._experiments: dict[str, str] = {}

    def experiment(self, name: str) -> str:
        """The id of an experiment, made where there is none."""
        if name not in self._experiments:
            self._experiments[name] = self._experiment(name)
        return self._experiments[name]

    def find_experiment(self, name: str) -> str:
        """The id of an experiment; nothing where there is none."""
        try:
            found = self._http.get(f"{_V2}/experiments/get-by-name", experiment_name=name)
        except RefusedError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""
        return str(found["experiment"]["experiment_id"])

    def _experiment(self, name: str) -> str:
        for _ in range(2):
            if found := self.find_experiment(name):
                return found
            try:
                return str(self._post("experiments/create", name=name)["experiment_id"])
            except RefusedError as error:
                if error.code != "RESOURCE_ALREADY_EXISTS":
                    raise
        raise RefusedError(f"the experiment {name!r} can neither be found nor made")

    def search_runs(self, experiment_id: str, filter_: str) -> list[Run]:
        """The runs that a filter finds, the oldest first."""
        found: list[Run] = []
        token = ""
        while True:
            page = self._post(
                "runs/search",
                experiment_ids=[experiment_id],
                filter=filter_,
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
                **({"page_token": token} if token else {}),
            )
            found += [_run(run) for run in page.get("runs", [])]
            token = page.get("next_page_token", "")
            if not token:
                return found

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> Run:
        """A new run."""
        return _run(
            self._post("runs/create", experiment_id=experiment_id, run_name=name, start_time=start, tags=_pairs(tags))[
                "run"
            ]
        )

    def get_run(self, run_id: str) -> Run:
        """A run, with its inputs."""
        run = self._http.get(f"{_V2}/runs/get", run_id=run_id)["run"]
        if run["info"].get("lifecycle_stage") == "deleted":
            raise RefusedError(f"the run {run_id} is deleted", "RESOURCE_DOES_NOT_EXIST")
        return _run(run)

    def update_run(self, run_id: str, status: str, end: int | None) -> None:
        """Set a run's status, and when it ended."""
        self._post("runs/update", run_id=run_id, status=status, **({} if end is None else {"end_time": end}))

    def delete_run(self, run_id: str) -> None:
        """Put a run into the bin."""
        self._post("runs/delete", run_id=run_id)

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Add metrics, params and tags."""
        self._post(
            "runs/log-batch",
            run_id=run_id,
            metrics=[
                {"key": name, "value": _number(value), "timestamp": time, "step": step}
                for name, value, time, step in metrics
            ],
            params=_pairs(params),
            tags=_pairs(tags),
        )

    def log_inputs(self, run_id: str, datasets: Sequence[Dataset]) -> None:
        """Add data sets that a run has read."""
        self._post("runs/log-inputs", run_id=run_id, datasets=[_dataset_input(dataset) for dataset in datasets])

    def upload(self, artifact_uri: str, source: Path, place: str) -> None:
        """Put a file at a place below an artifact URI: through the server, or where server and worker share a disk."""
        parts = urlsplit(artifact_uri)
        if parts.scheme == "mlflow-artifacts":
            self._http.put_file(f"{_ARTIFACTS}/{unquote(parts.path).strip('/')}/{place}", source)
        elif parts.scheme in ("", "file"):
            target = Path(unquote(parts.path)) / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        else:
            from airflow_mlcraft.tracking.store_api import upload

            upload(artifact_uri, source, place)

    def read(self, artifact_uri: str, place: str) -> bytes:
        """A file at a place below an artifact URI."""
        parts = urlsplit(artifact_uri)
        if parts.scheme == "mlflow-artifacts":
            return self._http.get_file(f"{_ARTIFACTS}/{unquote(parts.path).strip('/')}/{place}")
        if parts.scheme in ("", "file"):
            try:
                return (Path(unquote(parts.path)) / place).read_bytes()
            except OSError as error:
                raise RefusedError(f"{place} cannot be read: {error}", "RESOURCE_DOES_NOT_EXIST") from error
        from airflow_mlcraft.tracking.store_api import download

        return download(artifact_uri, place)

    def find_models(self, experiment_id: str, content: str) -> list[LoggedModel]:
        """The models with a content, the oldest first."""
        found = self._post(
            "logged-models/search",
            experiment_ids=[experiment_id],
            filter=f"tags.`{CONTENT}` = {quote_value(content)}",
            order_by=[{"field_name": "creation_time", "ascending": True}],
        )
        return [_model(model) for model in found.get("models", [])]

    def create_model(self, run: Run, name: str, tags: Mapping[str, str]) -> LoggedModel:
        """A new model of a run, not yet ready."""
        made = self._post(
            "logged-models", experiment_id=run.experiment_id, name=name, source_run_id=run.id, tags=_pairs(tags)
        )
        return _model(made["model"])

    def finish_model(self, run: Run, model: LoggedModel) -> None:
        """Say that all files of a model are there, and that the run has made it."""
        if model.id not in self.get_run(run.id).models:
            self._post("runs/outputs", run_id=run.id, models=[{"model_id": model.id, "step": 0}])
        path = f"{_V2}/logged-models/{model.id}"
        self._http.send("PATCH", path, {"model_id": model.id, "status": "LOGGED_MODEL_READY"})

    def create_registered_model(self, name: str) -> None:
        """A name in the registry; nothing happens when it is there."""
        try:
            self._post("registered-models/create", name=name)
        except RefusedError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise

    def registered_models(self) -> list[str]:
        """The names in the registry, or the first of very many."""
        found = self._http.get(f"{_V2}/registered-models/search", max_results=str(_PAGE))
        return [str(model["name"]) for model in found.get("registered_models", [])]

    def versions(self, name: str, run_id: str = "") -> list[Version]:
        """The versions of a registered model, or those of one run."""
        wanted = f"name = {quote_value(name)}" + (f" AND run_id = {quote_value(run_id)}" if run_id else "")
        found = self._http.get(f"{_V2}/model-versions/search", filter=wanted, max_results=str(_PAGE))
        return sorted(map(_version, found.get("model_versions", [])), key=lambda version: int(version.version))

    def create_version(self, name: str, model: LoggedModel, tags: Mapping[str, str]) -> Version:
        """A new version."""
        made = self._post(
            "model-versions/create",
            name=name,
            source=model.artifact_uri,
            run_id=model.run_id,
            model_id=model.id,
            tags=_pairs(tags),
        )
        return _version(made["model_version"])

    def version(self, name: str, version: str) -> Version:
        """One version."""
        return _version(self._http.get(f"{_V2}/model-versions/get", name=name, version=version)["model_version"])

    def tag_version(self, version: Version, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._post("model-versions/set-tag", name=version.model, version=version.version, key=key, value=value)

    def alias(self, name: str, alias: str) -> Version | None:
        """The version that an alias stands for."""
        try:
            found = self._http.get(f"{_V2}/registered-models/alias", name=name, alias=alias)
        except RefusedError as error:
            if error.missing or error.code == "INVALID_PARAMETER_VALUE":
                return None
            raise
        return _version(found["model_version"])

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias stand for a version."""
        self._post("registered-models/alias", name=name, alias=alias, version=version)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._http.send("POST", f"{_V2}/{path}", body)


def _number(value: float) -> float | str:
    """JSON has no word for some; a server takes a body that has Python's, and forgets half of what is in it."""
    return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _values(pairs: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    return {pair["key"]: pair.get("value", "") for pair in pairs or ()}


def _run(run: dict[str, Any]) -> Run:
    info, data = run["info"], run.get("data", {})
    return Run(
        id=info["run_id"],
        experiment_id=info["experiment_id"],
        name=info.get("run_name", ""),
        status=info["status"],
        start=int(info.get("start_time") or 0),
        end=int(info.get("end_time") or 0),
        artifact_uri=info["artifact_uri"],
        tags=_values(data.get("tags")),
        params=_values(data.get("params")),
        metrics={name: float(value) for name, value in _values(data.get("metrics")).items()},
        datasets=[_dataset(given) for given in run.get("inputs", {}).get("dataset_inputs", [])],
        models=[made["model_id"] for made in run.get("outputs", {}).get("model_outputs", [])],
    )


def _dataset(given: dict[str, Any]) -> Dataset:
    dataset = given["dataset"]
    names = ("name", "digest", "source_type", "source", "schema", "profile")
    context = _values(given.get("tags")).get(CONTEXT, "")
    return Dataset(**{name: dataset.get(name, "") for name in names}, context=context)


def _dataset_input(dataset: Dataset) -> dict[str, Any]:
    names = ("name", "digest", "source_type", "source", "schema", "profile")
    values = {name: value for name in names if (value := getattr(dataset, name))}
    return {"tags": _pairs({CONTEXT: dataset.context} if dataset.context else {}), "dataset": values}


def _model(model: dict[str, Any]) -> LoggedModel:
    info = model["info"]
    return LoggedModel(
        id=info["model_id"],
        name=info["name"],
        artifact_uri=info["artifact_uri"],
        ready=info["status"] == "LOGGED_MODEL_READY",
        run_id=info.get("source_run_id", ""),
        tags=_values(info.get("tags")),
    )


def _version(version: dict[str, Any]) -> Version:
    return Version(
        model=version["name"],
        version=str(version["version"]),
        run_id=version.get("run_id", ""),
        source=version.get("source", ""),
        tags=_values(version.get("tags")),
    )
