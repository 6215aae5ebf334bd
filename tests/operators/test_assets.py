from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from airflow.sdk import Asset

from airflow_mlcraft.operators.assets import data_uri, model_uri


@pytest.mark.parametrize(
    ("uri", "written"),
    [
        (data_uri("iris", "data/raw.csv"), "dvc://iris/data/raw.csv"),
        (data_uri("my repo", "ü/a b.csv"), "dvc://my%20repo/%C3%BC/a%20b.csv"),
        (model_uri("iris"), "mlflow://iris"),
        (model_uri("team/the model"), "mlflow://team%2Fthe%20model"),
    ],
)
def test_airflow_keeps_our_uris_unchanged(uri: str, written: str) -> None:
    assert uri == written
    assert Asset(uri).uri == Asset(uri).name == written


def test_other_spellings_are_normalized() -> None:
    assert Asset(name="x", uri="DVC://iris/data/a b.csv/").uri == data_uri("iris", "data/a b.csv")
    assert Asset(name="x", uri="mlflow://iris/").uri == model_uri("iris")


@pytest.mark.parametrize("uri", ["dvc://", "dvc://iris", "dvc:///data", "mlflow://", "mlflow://iris/1", "mlflow:iris"])
def test_incomplete_uris_are_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="expected (dvc|mlflow)://"):
        Asset(uri)
    assert urlsplit(uri).scheme in ("dvc", "mlflow")
