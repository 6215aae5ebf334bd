"""The `Api` of a store that is not a server, such as SQLite, through mlflow's client, whose import takes seconds."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from mlflow import MlflowClient, entities
from mlflow.exceptions import MlflowException

from airflow_mlcraft.adapters.mlflow import download_artifact, upload_artifact
from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.tracking.api import (
    BusyError,
    Dataset,
    LoggedModel,
    Metric,
    RefusedError,
    Run,
    Version,
    quote_value,
)
from airflow_mlcraft.tracking.tags import CONTENT, CONTEXT

_BUSY = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
_PAGE = 1000

T = TypeVar("T", bound=Callable[..., Any])


def _translate_errors(method: T) -> T:
    """Translate the exceptions of mlflow into BusyError and RefusedError."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except MlflowException as error:
            if error.error_code in _BUSY:
                raise BusyError(str(error)) from error
            raise RefusedError(str(error), error.error_code) from error

    return call  # type: ignore[return-value]


@_translate_errors
def upload(artifact_uri: str, source: Path, artifact_path: str) -> None:
    """Upload a file to a path below any artifact URI that mlflow can write to."""
    parent, _, name = artifact_path.rpartition("/")
    # mlflow gives an artifact the name of its file.
    with TemporaryDirectory() as temporary:
        link = Path(temporary) / name
        link.symlink_to(source.absolute())
        upload_artifact(artifact_uri, link, parent)


@_translate_errors
def download(artifact_uri: str, artifact_path: str) -> bytes:
    """Return the content of a file at a path below any artifact URI that mlflow can read from."""
    with TemporaryDirectory() as temporary:
        try:
            return download_artifact(artifact_uri, artifact_path, temporary).read_bytes()
        except OSError as error:
            raise RefusedError(f"{artifact_path} cannot be read: {error}", "RESOURCE_DOES_NOT_EXIST") from error


class StoreApi:
    """The `Api` of a store that mlflow opens in this process."""

    @_translate_errors
    def __init__(self, uri: str):
        with _lock_database(uri):
            self._client = MlflowClient(uri, uri)
        self._artifacts = _artifact_root(uri)
        self._experiments: dict[str, str] = {}

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of an experiment; the experiment is created if it does not exist."""
        if name not in self._experiments:
            self._experiments[name] = self._find_or_create_experiment(name)
        return self._experiments[name]

    @_translate_errors
    def find_experiment(self, name: str) -> str:
        """Return the id of an experiment, or "" if it does not exist."""
        found = self._client.get_experiment_by_name(name)
        return "" if found is None else str(found.experiment_id)

    @_translate_errors
    def _find_or_create_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            # Otherwise mlflow would put artifacts below whatever folder this process was started in.
            location = f"{self._artifacts}/{quote(name, safe='')}" if self._artifacts else None
            try:
                return str(self._client.create_experiment(name, artifact_location=location))
            except MlflowException as error:
                found = self._client.get_experiment_by_name(name)
                if found is None:
                    raise error
        return str(found.experiment_id)

    @_translate_errors
    def search_runs(self, experiment_id: str, filter_: str) -> list[Run]:
        """Return the runs that match a filter, the oldest first."""
        found: list[Run] = []
        token = None
        while True:
            page = self._client.search_runs(
                [experiment_id],
                filter_,
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            found += map(_run, page)
            token = page.token
            if not token:
                return found

    @_translate_errors
    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> Run:
        """Create a run."""
        return _run(self._client.create_run(experiment_id, start_time=start, tags=dict(tags), run_name=name))

    @_translate_errors
    def get_run(self, run_id: str) -> Run:
        """Return a run with its dataset inputs."""
        run = self._client.get_run(run_id)
        if run.info.lifecycle_stage == "deleted":
            raise RefusedError(f"the run {run_id} is deleted", "RESOURCE_DOES_NOT_EXIST")
        return _run(run)

    @_translate_errors
    def update_run(self, run_id: str, status: str, end: int | None) -> None:
        """Set a run's status, and when it ended."""
        if end is None:
            self._client.update_run(run_id, status)
        else:
            self._client.set_terminated(run_id, status, end)

    @_translate_errors
    def delete_run(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it as deleted."""
        self._client.delete_run(run_id)

    @_translate_errors
    def log_batch(
        self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Add metrics, params and tags."""
        self._client.log_batch(
            run_id,
            [entities.Metric(*metric) for metric in metrics],
            [entities.Param(*param) for param in params.items()],
            [entities.RunTag(*tag) for tag in tags.items()],
        )

    @_translate_errors
    def log_inputs(self, run_id: str, datasets: Sequence[Dataset]) -> None:
        """Add the datasets that a run has read."""
        self._client.log_inputs(
            run_id,
            [
                entities.DatasetInput(
                    entities.Dataset(
                        given.name,
                        given.digest,
                        given.source_type,
                        given.source,
                        given.schema or None,
                        given.profile or None,
                    ),
                    [entities.InputTag(CONTEXT, given.context)] if given.context else [],
                )
                for given in datasets
            ],
        )

    def upload(self, artifact_uri: str, source: Path, artifact_path: str) -> None:
        """Upload a file to a path below an artifact URI."""
        upload(artifact_uri, source, artifact_path)

    def read_artifact(self, artifact_uri: str, artifact_path: str) -> bytes:
        """Return the content of a file at a path below an artifact URI."""
        return download(artifact_uri, artifact_path)

    @_translate_errors
    def find_models(self, experiment_id: str, content: str) -> list[LoggedModel]:
        """Return the logged models whose content tag is `content`, the oldest first."""
        return [
            _model(model)
            for model in self._client.search_logged_models(
                [experiment_id],
                f"tags.`{CONTENT}` = {quote_value(content)}",
                order_by=[{"field_name": "creation_time", "ascending": True}],
            )
        ]

    @_translate_errors
    def create_model(self, run: Run, name: str, tags: Mapping[str, str]) -> LoggedModel:
        """Create a logged model of a run, not yet ready."""
        return _model(self._client.create_logged_model(run.experiment_id, name, run.id, dict(tags)))

    @_translate_errors
    def finalize_model(self, run: Run, model: LoggedModel) -> None:
        """Mark a logged model as ready and as an output of the run, once all its files are uploaded."""
        if model.id not in self.get_run(run.id).models:
            self._client.log_outputs(run.id, [entities.LoggedModelOutput(model.id, 0)])
        self._client.finalize_logged_model(model.id, "READY")

    @_translate_errors
    def create_registered_model(self, name: str) -> None:
        """Create a registered model; does nothing if it exists."""
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    @_translate_errors
    def list_registered_models(self) -> list[str]:
        """Return the names of the registered models, of a very large registry only the first page."""
        return [str(model.name) for model in self._client.search_registered_models()]

    @_translate_errors
    def list_versions(self, name: str, run_id: str = "") -> list[Version]:
        """Return the versions of a registered model, or only those of one run."""
        filter_ = f"name = {quote_value(name)}" + (f" AND run_id = {quote_value(run_id)}" if run_id else "")
        found = map(_version, self._client.search_model_versions(filter_))
        return sorted(found, key=lambda version: int(version.version))

    @_translate_errors
    def create_version(self, name: str, model: LoggedModel, tags: Mapping[str, str]) -> Version:
        """Create a version of a registered model."""
        return _version(
            self._client.create_model_version(
                name, model.artifact_uri, model.run_id, dict(tags), await_creation_for=0, model_id=model.id
            )
        )

    @_translate_errors
    def get_version(self, name: str, version: str) -> Version:
        """Return one version."""
        return _version(self._client.get_model_version(name, version))

    @_translate_errors
    def tag_version(self, version: Version, key: str, value: str) -> None:
        """Set a tag of a version."""
        self._client.set_model_version_tag(version.model, version.version, key, value)

    @_translate_errors
    def get_version_by_alias(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias points to, or None."""
        try:
            return _version(self._client.get_model_version_by_alias(name, alias))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    @_translate_errors
    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias to a version."""
        self._client.set_registered_model_alias(name, alias, version)


def _sqlite_path(uri: str) -> Path | None:
    """Return the path of a SQLite database; None for any other store."""
    parts = urlsplit(uri)
    return Path(parts.path.removeprefix("/")).absolute() if parts.scheme == "sqlite" else None


def _artifact_root(uri: str) -> str:
    """Return the URI of the artifact folder: beside the database for SQLite, "" otherwise."""
    database = _sqlite_path(uri)
    return "" if database is None else (database.parent / "artifacts").as_uri()


@contextlib.contextmanager
def _lock_database(uri: str) -> Iterator[None]:
    """Hold a lock while mlflow creates the tables of a SQLite database: it does not lock the database itself."""
    database = _sqlite_path(uri)
    if database is None or not os.access(database.parent, os.W_OK):
        yield
        return
    with locked(database.with_name(f"{database.name}.lock")):
        yield


def _run(run: entities.Run) -> Run:
    return Run(
        id=run.info.run_id,
        experiment_id=run.info.experiment_id,
        name=run.info.run_name or "",
        status=run.info.status,
        start=run.info.start_time or 0,
        end=run.info.end_time or 0,
        artifact_uri=run.info.artifact_uri or "",
        tags=run.data.tags,
        params=run.data.params,
        metrics=run.data.metrics,
        datasets=[_dataset(given) for given in (run.inputs.dataset_inputs if run.inputs else [])],
        models=[made.model_id for made in (run.outputs.model_outputs if run.outputs else [])],
    )


def _dataset(given: entities.DatasetInput) -> Dataset:
    dataset = given.dataset
    context = {tag.key: tag.value for tag in given.tags}.get(CONTEXT, "")
    return Dataset(
        dataset.name,
        dataset.digest,
        dataset.source_type,
        dataset.source,
        dataset.schema or "",
        dataset.profile or "",
        context,
    )


def _model(model: entities.LoggedModel) -> LoggedModel:
    return LoggedModel(
        id=model.model_id,
        name=model.name,
        artifact_uri=model.artifact_location,
        ready=str(model.status) == "READY",
        run_id=model.source_run_id or "",
        tags=model.tags,
    )


def _version(version: Any) -> Version:
    return Version(
        model=version.name,
        version=str(version.version),
        run_id=version.run_id or "",
        source=version.source or "",
        tags=version.tags,
    )
