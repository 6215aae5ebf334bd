"""Internals of mlflow: artifact repositories by their address, and the base classes of its plugins.

mlflow loads plugins while it is itself imported, so other modules of it are imported in functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlflow.data.dataset_source import DatasetSource as MlflowDatasetSource
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

__all__ = [
    "DatasetSource",
    "DefaultExperimentProvider",
    "RunContextProvider",
    "download_artifact",
    "upload_artifact",
]


class DatasetSource(MlflowDatasetSource):
    """The base of a kind of source of data sets; a subclass also has `load`, `to_dict` and `from_dict`."""

    source_type = ""
    """The name of the kind, which mlflow stores with a data set."""

    @classmethod
    def can_parse(cls, raw_source: Any) -> bool:
        """Whether something that a user gives as a source is one of this kind."""
        raise NotImplementedError

    @classmethod
    def parse(cls, raw_source: Any) -> DatasetSource:
        """The source that a user gives."""
        raise NotImplementedError

    @classmethod
    def _get_source_type(cls) -> str:
        return cls.source_type

    @classmethod
    def _can_resolve(cls, raw_source: Any) -> bool:
        return cls.can_parse(raw_source)

    @classmethod
    def _resolve(cls, raw_source: Any) -> DatasetSource:
        return cls.parse(raw_source)


def upload_artifact(artifact_uri: str, file: Path, folder: str) -> None:
    """Put a file, under its own name, into a folder ("" for none) below an artifact URI of any kind."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository: Any = get_artifact_repository(artifact_uri)
    repository.log_artifact(str(file), folder or None)


def download_artifact(artifact_uri: str, place: str, folder: str) -> Path:
    """Fetch a file at a place below an artifact URI of any kind into a folder. Returns its path there."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository: Any = get_artifact_repository(artifact_uri)
    return Path(repository.download_artifacts(place, folder))
