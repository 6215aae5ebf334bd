"""Data and models as Airflow's assets: `dvc://<repository>/<path>` and `mlflow://<model>`.

What an asset is like at a moment (its hash, its commit, its version) is in the `extra` of its events.
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
    """Stands for all data of a document: which of it has changed is known when a run ends."""
    return AssetAlias(f"data of {document}")


def model_alias(document: str) -> AssetAlias:
    """Stands for all models of a document."""
    return AssetAlias(f"models of {document}")


def tell_of_data(context: Any, alias: AssetAlias, repository: str, path: str, extra: dict[str, Any]) -> None:
    """Have an event of data when this task ends well; the alias must be among the task's outlets."""
    _tell(context, alias, data_uri(repository, path), extra)


def tell_of_model(context: Any, alias: AssetAlias, name: str, extra: dict[str, Any]) -> None:
    """Have an event of a model when this task ends well; the alias must be among the task's outlets."""
    _tell(context, alias, model_uri(name), extra)


def sanitize_data_uri(uri: SplitResult) -> SplitResult:
    """Check a `dvc://` URI as Airflow asks, and write it as `data_uri` does."""
    if not uri.netloc or not uri.path.strip("/"):
        raise ValueError(f"{uri.geturl()} is no data: expected dvc://<repository>/<path>, as dvc://iris/data/raw.csv")
    return uri._replace(netloc=quote(unquote(uri.netloc), safe=""), path=quote(unquote(uri.path)), query="")


def sanitize_model_uri(uri: SplitResult) -> SplitResult:
    """Check an `mlflow://` URI as Airflow asks, and write it as `model_uri` does."""
    if not uri.netloc or uri.path.strip("/"):
        raise ValueError(f"{uri.geturl()} is no model: expected mlflow://<name of the registered model>")
    return uri._replace(netloc=quote(unquote(uri.netloc), safe=""), path="", query="")


def _tell(context: Any, alias: AssetAlias, uri: str, extra: dict[str, Any]) -> None:
    context["outlet_events"][alias].add(Asset(uri), extra=extra)
