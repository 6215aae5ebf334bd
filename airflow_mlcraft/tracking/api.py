"""The interface of a tracking store, and the credentials of a server.

`rest/api.py` implements it for a server, `store_api.py` through mlflow.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from airflow_mlcraft.errors import MlcraftError


class UnreachableError(MlcraftError):
    """The store does not answer, or refuses the credentials: all deliveries have to wait."""


class BusyError(MlcraftError):
    """The store failed on this request; a retry may succeed."""


class RefusedError(MlcraftError):
    """The store refuses this request for good; a retry is useless. `code` is MLflow's error code."""

    def __init__(self, message: str, code: str = ""):
        self.code = code
        super().__init__(message)

    @property
    def missing(self) -> bool:
        """Whether the refusal says that the requested object does not exist."""
        return self.code in ("RESOURCE_DOES_NOT_EXIST", "ENDPOINT_NOT_FOUND", "NOT_FOUND")


@dataclass(frozen=True)
class Dataset:
    """A dataset input of a run, as MLflow stores it."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str = ""
    profile: str = ""
    context: str = ""


@dataclass(frozen=True)
class Run:
    """The fields of an MLflow run that this package uses."""

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
    """A logged model: a model that a run produced."""

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

    def get_or_create_experiment(self, name: str) -> str:
        """Return the id of an experiment; the experiment is created if it does not exist."""

    def find_experiment(self, name: str) -> str:
        """Return the id of an experiment, or "" if it does not exist."""

    def search_runs(self, experiment_id: str, filter_: str) -> list[Run]:
        """Return the runs that match a filter, the oldest first."""

    def create_run(self, experiment_id: str, name: str, start: int, tags: Mapping[str, str]) -> Run:
        """Create a run."""

    def get_run(self, run_id: str) -> Run:
        """Return a run with its dataset inputs."""

    def update_run(self, run_id: str, status: str, end: int | None) -> None:
        """Set a run's status, and when it ended."""

    def delete_run(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it as deleted."""

    def log_batch(
        self, run_id: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Add metrics, params and tags; at most a thousand metrics and a hundred of the others."""

    def log_inputs(self, run_id: str, datasets: Sequence[Dataset]) -> None:
        """Add the datasets that a run has read."""

    def upload(self, artifact_uri: str, source: Path, artifact_path: str) -> None:
        """Upload a file to a path below an artifact URI."""

    def read_artifact(self, artifact_uri: str, artifact_path: str) -> bytes:
        """Return the content of a file at a path below an artifact URI."""

    def find_models(self, experiment_id: str, content: str) -> list[LoggedModel]:
        """Return the logged models whose content tag is `content`, the oldest first."""

    def create_model(self, run: Run, name: str, tags: Mapping[str, str]) -> LoggedModel:
        """Create a logged model of a run, not yet ready."""

    def finalize_model(self, run: Run, model: LoggedModel) -> None:
        """Mark a logged model as ready and as an output of the run, once all its files are uploaded."""

    def create_registered_model(self, name: str) -> None:
        """Create a registered model; does nothing if it exists."""

    def list_registered_models(self) -> list[str]:
        """Return the names of the registered models, of a very large registry only the first page."""

    def list_versions(self, name: str, run_id: str = "") -> list[Version]:
        """Return the versions of a registered model, or only those of one run."""

    def create_version(self, name: str, model: LoggedModel, tags: Mapping[str, str]) -> Version:
        """Create a version of a registered model."""

    def get_version(self, name: str, version: str) -> Version:
        """Return one version."""

    def tag_version(self, version: Version, key: str, value: str) -> None:
        """Set a tag of a version."""

    def get_version_by_alias(self, name: str, alias: str) -> Version | None:
        """Return the version that an alias points to, or None."""

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Point an alias to a version."""


def quote_value(value: str) -> str:
    """Quote a value for a filter string of MLflow."""
    return f'"{value}"' if "'" in value else f"'{value}'"


_TOKEN, _USER, _PASSWORD = "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


@dataclass(frozen=True)
class Credentials:
    """A token, or a user and a password, or neither for a server without authentication. Secrets are never logged."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Credentials:
        """Read the credentials from the variables that mlflow reads."""
        return cls(environment.get(_USER, ""), environment.get(_PASSWORD, ""), environment.get(_TOKEN, ""))

    def environment(self) -> dict[str, str]:
        """Return the environment variables from which mlflow reads these credentials."""
        variables = {_USER: self.user, _PASSWORD: self.password, _TOKEN: self.token}
        return {name: value for name, value in variables.items() if value}

    def header(self) -> dict[str, str]:
        """Return the Authorization header of a request; {} without credentials."""
        if self.user:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def dagshub(owner: str, repository: str, token: str) -> tuple[str, Credentials]:
    """Return the tracking URI of a DagsHub repository, and the credentials for it."""
    return f"https://dagshub.com/{owner}/{repository}.mlflow", Credentials(user=owner, password=token)
