"""Internals of mlflow: artifact repositories by their address. It is imported in the functions, as it takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any


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
