"""What is asked of a tracking store; `rest_api` asks a server, `store_api` any other store through mlflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from airflow_mlcraft.errors import MlcraftError


class UnreachableError(MlcraftError):
    """The store does not answer, or not to us: everything has to wait."""


class BusyError(MlcraftError):
    """The store could not do this now; another time it may."""


class RefusedError(MlcraftError):
    """The store will not take this, today or tomorrow. `code` is MLflow's error code."""

    def __init__(self, message: str, code: str = ""):
        self.code = code
        super().__init__(message)

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.code in ("RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND", "NOT_FOUND")


@dataclass(frozen=True)
class Dataset:
    """An input of a run, as MLflow keeps it."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""
    context: str = ""


@dataclass(frozen=True)
class Run:
    """A run, as far as we ask for it."""

    id: str
    experiment_id: str
    name: str
    status: str
    start: int
    artifact_uri: str
    end: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    datasets: Sequence[Dataset] = ()
    models: Sequence[str] = ()


@dataclass(frozen=True)
class LoggedModel:
    """A model that a run has made."""

    id: str
    name: str
    artifact_uri: str
    ready: bool
    run_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """A version of a registered model."""

    model: str
    version: str
    run_id: str
    source: str
    tags: Mapping[str, str] = field(default_factory=dict)


Metric = tuple[str, float, int, int]


class Api(Protocol):
    """A tracking store. Every method may raise UnreachableError, BusyError and RefusedError."""

    def experiment(self, name: str) -> str:
        """The id of an experiment, made where there is none."""

    def find_experiment(self, name: str) -> str:
        """The id of an experiment; nothing where there is none."""

    def search_runs(self, experiment_id: str, filter_: str) -> list[Run]:
        """The runs that a filter finds, the oldest first."""

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> Run:
        """A new run."""

    def get_run(self, run_id: str) -> Run:
        """A run, with its inputs."""

    def update_run(self, run_id: str, status: str, end: int | None) -> None:
        """Set a run's status, and when it ended."""

    def delete_run(self, run_id: str) -> None:
        """Put a run into the bin."""

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Add metrics, params and tags; at most a thousand metrics and a hundred of the others."""

    def log_inputs(self, run_id: str, datasets: Sequence[Dataset]) -> None:
        """Add data sets that a run has read."""

    def upload(self, artifact_uri: str, source: Path, place: str) -> None:
        """Put a file at a place below an artifact URI."""

    def read(self, artifact_uri: str, place: str) -> bytes:
        """A file at a place below an artifact URI."""

    def find_models(self, experiment_id: str, content: str) -> list[LoggedModel]:
        """The models with a content, the oldest first."""

    def create_model(self, run: Run, name: str, tags: Mapping[str, str]) -> LoggedModel:
        """A new model of a run, not yet ready."""

    def finish_model(self, run: Run, model: LoggedModel) -> None:
        """Say that all files of a model are there, and that the run has made it."""

    def create_registered_model(self, name: str) -> None:
        """A name in the registry; nothing happens when it is there."""

    def registered_models(self) -> list[str]:
        """The names in the registry, or the first of very many."""

    def versions(self, name: str, run_id: str = "") -> list[Version]:
        """The versions of a registered model, or those of one run."""

    def create_version(self, name: str, model: LoggedModel, tags: Mapping[str, str]) -> Version:
        """A new version."""

    def version(self, name: str, version: str) -> Version:
        """One version."""

    def tag_version(self, version: Version, key: str, value: str) -> None:
        """Set a tag of a version."""

    def alias(self, name: str, alias: str) -> Version | None:
        """The version that an alias stands for."""

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Let an alias stand for a version."""


def quote_value(value: str) -> str:
    """A value within a filter of MLflow."""
    return f'"{value}"' if "'" in value else f"'{value}'"
