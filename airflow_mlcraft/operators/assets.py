"""Data and models as Airflow's assets: `dvc://<repository>/<path>` and `mlflow://<model>`.

The hash, commit or version of an asset is in the `extra` of its events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow.sdk import Asset, AssetAlias

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def data_uri(repository: str, path: str) -> str:
    """The URI of data at a path of a repository."""
    return f"dvc://{quote(repository, safe='')}/{quote(path)}"


def model_uri(name: str) -> str:
    """The URI of a registered model."""
    return f"mlflow://{quote(name, safe='')}"


def data_alias(document: str) -> AssetAlias:
    """The alias of all data of a document: which of it has changed is known only when a run ends."""
    return AssetAlias(f"data of {document}")


def model_alias(document: str) -> AssetAlias:
    """The alias of all models of a document."""
    return AssetAlias(f"models of {document}")


def add_data_event(context: Any, alias: AssetAlias, repository: str, path: str, extra: dict[str, Any]) -> None:
    """Add an event of data, emitted when this task succeeds; the alias must be among the task's outlets."""
    _add_event(context, alias, data_uri(repository, path), extra)


def add_model_event(context: Any, alias: AssetAlias, name: str, extra: dict[str, Any]) -> None:
    """Add an event of a model, emitted when this task succeeds; the alias must be among the task's outlets."""
    _add_event(context, alias, model_uri(name), extra)


def sanitize_data_uri(uri: SplitResult) -> SplitResult:
    """Validate a `dvc://` URI, and write it as `data_uri` does. Airflow calls it for each asset of the scheme."""
    if not uri.netloc or not uri.path.strip("/"):
        raise ValueError(f"{uri.geturl()} is no data: expected dvc://<repository>/<path>, as dvc://iris/data/raw.csv")
    return uri._replace(netloc=quote(unquote(uri.netloc), safe=""), path=quote(unquote(uri.path)), query="")


def sanitize_model_uri(uri: SplitResult) -> SplitResult:
    """Validate an `mlflow://` URI, and write it as `model_uri` does. Airflow calls it for each asset of the scheme."""
    if not uri.netloc or uri.path.strip("/"):
        raise ValueError(f"{uri.geturl()} is no model: expected mlflow://<name of the registered model>")
    return uri._replace(netloc=quote(unquote(uri.netloc), safe=""), path="", query="")


def _add_event(context: Any, alias: AssetAlias, uri: str, extra: dict[str, Any]) -> None:
    context["outlet_events"][alias].add(Asset(uri), extra=extra)
