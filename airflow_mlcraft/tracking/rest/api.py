"""The `Api` of a tracking server, through MLflow's REST API; mlflow is not imported."""

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

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of an experiment; the experiment is created if it does not exist."""
        if name not in self._experiments:
            self._experiments[name] = self._find_or_create_experiment(name)
        return self._experiments[name]

    def find_experiment(self, name: str) -> str:
        """Return the id of an experiment, or "" if it does not exist."""
        try:
            found = self._http.get(f"{_V2}/experiments/get-by-name", experiment_name=name)
        except RefusedError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""
        return str(found["experiment"]["experiment_id"])

    def _find_or_create_experiment(self, name: str) -> str:
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
        """Return the runs that match a filter, the oldest first."""
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
        """Create a run."""
        return _run(
            self._post("runs/create", experiment_id=experiment_id, run_name=name, start_time=start, tags=_pairs(tags))[
                "run"
            ]
        )

    def get_run(self, run_id: str) -> Run:
        """Return a run with its dataset inputs."""
        run = self._http.get(f"{_V2}/runs/get", run_id=run_id)["run"]
        if run["info"].get("lifecycle_stage") == "deleted":
            raise RefusedError(f"the run {run_id} is deleted", "RESOURCE_DOES_NOT_EXIST")
        return _run(run)

    def update_run(self, run_id: str, status: str, end: int | None) -> None:
        """Set a run's status, and when it ended."""
        self._post("runs/update", run_id=run_id, status=status, **({} if end is None else {"end_time": end}))

    def delete_run(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it as deleted."""
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
        """Add the datasets that a run has read."""
        self._post("runs/log-inputs", run_id=run_id, datasets=[_dataset_input(dataset) for dataset in datasets])

    def upload(self, artifact_uri: str, source: Path, artifact_path: str) -> None:
        """Upload a file to a path below an artifact URI, through the server or onto a disk shared with it."""
        parts = urlsplit(artifact_uri)
        if parts.scheme == "mlflow-artifacts":
            self._http.put_file(f"{_ARTIFACTS}/{unquote(parts.path).strip('/')}/{artifact_path}", source)
        elif parts.scheme in ("", "file"):
            target = Path(unquote(parts.path)) / artifact_path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        else:
            from airflow_mlcraft.tracking.store_api import upload

            upload(artifact_uri, source, artifact_path)

    def read_artifact(self, artifact_uri: str, artifact_path: str) -> bytes:
        """Return the content of a file at a path below an artifact URI."""
        parts = urlsplit(artifact_uri)
        if parts.scheme == "mlflow-artifacts":
            return self._http.get_file(f"{_ARTIFACTS}/{unquote(parts.path).strip('/')}/{artifact_path}")
        if parts.scheme in ("", "file"):
            try:
                return (Path(unquote(parts.path)) / artifact_path).read_bytes()
            except OSError as error:
                raise RefusedError(f"{artifact_path} cannot be read: {error}", "RESOURCE_DOES_NOT_EXIST") from error
        from airflow_mlcraft.tracking.store_api import download

        return download(artifact_uri, artifact_path)

    def find_models(self, experiment_id: str, content: str) -> list[LoggedModel]:
        """Return the logged models whose content tag is `content`, the oldest first."""
        found = self._post(
            "logged-models/search",
            experiment_ids=[experiment_id],
            filter=f"tags.`{CONTENT}` = {quote_value(content)}",
            order_by=[{"field_name": "creation_time", "ascending": True}],
        )
        return [_model(model) for model in found.get("models", [])]

    def create_model(self, run: Run, name: str, tags: Mapping[str, str]) -> LoggedModel:
        """Create a logged model of a run, not yet ready."""
        made = self._post(
            "logged-models", experiment_id=run.experiment_id, name=name, source_run_id=run.id, tags=_pairs(tags)
        )
        return _model(made["model"])

    def finalize_model(self, run: Run, model: LoggedModel) -> None:
        """Mark a logged model as ready and as an output of the run, once all its files are uploaded."""
        if model.id not in self.get_run(run.id).models:
            self._post("runs/outputs", run_id=run.id, models=[{"model_id": model.id, "step": 0}])
        path = f"{_V2}/logged-models/{model.id}"
        self._http.send("PATCH", path, {"model_id": model.id, "status": "LOGGED_MODEL_READY"})

    def create_registered_model(self, name: str) -> None:
        """Create a registered model; does nothing if it exists."""
        try:
            self._post("registered-models/create", name=name)
        except RefusedError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise

    def list_registered_models(self) -> list[str]:
        """Return the names of the registered models, of a very large registry only the first page."""
        found = self._http.get(f"{_V2}/registered-models/search", max_results=str(_PAGE))
        return [str(model["name"]) for model in found.get("registered_models", [])]

    def list_versions(self, name: str, run_id: str = "") -> list[Version]:
        """Return the versions of a registered model, or only those of one run."""
        filter_ = f"name = {quote_value(name)}" + (f" AND run_id = {quote_value(run_id)}" if run_id else "")
        found = self._http.get(f"{_V2}/model-versions/search", filter=filter_, max_results=str(_PAGE))
        return sorted(map(_version, found.get("model_versions", [])), key=lambda version: int(version.version))

    def create_version(self, name: str, model: LoggedModel, tags: Mapping[str, str]) -> Version:
        """Create a version of a registered model."""
        made = self._post(
            "model-versions/create",
            name=name,
            source=model.artifact_uri,
            run_id=model.run_id,
            model_id=model.id,
            tags=_pairs(tags),
        )
        return _version(made["model_version"])

    def get_version(self, name: str, version: str) -> Version:
        """Return one version."""
        return _version(self._http.get(f"{_V2}/model-versions/get", name=name, version=version)["model_version"])

    def tag_version(self, version: Version, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._post("model-versions/set-tag", name=version.model, version=version.version, key=key, value=value)

    def get_version_by_alias(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias points to, or None."""
        try:
            found = self._http.get(f"{_V2}/registered-models/alias", name=name, alias=alias)
        except RefusedError as error:
            if error.missing or error.code == "INVALID_PARAMETER_VALUE":
                return None
            raise
        return _version(found["model_version"])

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias to a version."""
        self._post("registered-models/alias", name=name, alias=alias, version=version)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._http.send("POST", f"{_V2}/{path}", body)


def _number(value: float) -> float | str:
    """NaN and infinity as strings: JSON lacks them, and MLflow drops parts of a body with Python's literals."""
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
