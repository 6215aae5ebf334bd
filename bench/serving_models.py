"""Models to serve, each with rows to send: two of numbers, made with scikit-learn, and two of a mixed table, made by
`mlcraft-step train`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.serving_load import split_body
from bench.training_scale import TABLE

LINEAR, FOREST = "logistic regression", "random forest of 100 trees"
NUMBERS = "10 columns of numbers (breast cancer)"
MIXED = ("logistic_regression", "hist_gradient_boosting")
MIXED_TABLE = "11 mixed columns (6 of numbers, 3 of categories, truth values, dates; some missing)"
_ROWS = 20_000
_SENT = 1000
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class ServedModel:
    """A model folder, and rows as JSON values."""

    folder: Path
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def first(self, count: int) -> list[list[Any]]:
        """The first rows, repeated if there are fewer."""
        return [list(row) for row in (list(self.rows) * (count // len(self.rows) + 1))[:count]]

    def body(self, count: int) -> bytes:
        """A request with so many rows to our server and MLflow's."""
        return split_body(self.columns, self.first(count))


def numeric_models(folder: Path) -> dict[str, ServedModel]:
    """A linear model and a forest behind an imputer and a scaler."""
    from sklearn.compose import make_column_transformer
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from skops import io

    from airflow_mlcraft.tracking.model_folder import write_model

    frame, target = load_breast_cancer(return_X_y=True, as_frame=True)
    frame = frame.iloc[:, :10]
    estimators = {LINEAR: LogisticRegression(max_iter=1000), FOREST: RandomForestClassifier(100, random_state=0)}
    models = {}
    for label, estimator in estimators.items():
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        pipeline = make_pipeline(make_column_transformer((numbers, list(frame.columns))), estimator)
        pipeline.fit(frame, target)
        file = folder / f"{label}.skops"
        io.dump(pipeline, file)
        place = write_model(folder / label, file, frame, pipeline.predict(frame))
        models[label] = ServedModel(place, list(frame.columns), frame.to_numpy().tolist())
    return models


def mixed_models(folder: Path) -> dict[str, ServedModel]:
    """Two models that `mlcraft-step` trains, with a thousand rows of their test part."""
    import pandas as pd

    table = folder / "mixed.parquet"
    subprocess.run([sys.executable, "-c", TABLE, str(_ROWS), str(table)], check=True)
    process = ["process", f"--data={table}", "--target=churned", "--test-size=0.1", "--drop", "amount"]
    _step(process, folder)
    recipe = [f"--train={folder / 'train.parquet'}", f"--recipe={folder / 'recipe.json'}"]
    models = {}
    for name in MIXED:
        place = folder / name
        place.mkdir()
        _step(["train", *recipe, f"--model={name}", "--folds=0"], place)
        columns = json.loads((place / "model" / "input_example.json").read_text())["columns"]
        rows = pd.read_parquet(folder / "test.parquet")[columns].head(_SENT)
        split = json.loads(rows.to_json(orient="split", index=False, date_format="iso"))
        models[name] = ServedModel(place / "model", columns, split["data"])
    return models


def _step(arguments: Sequence[str], place: Path) -> None:
    process = subprocess.run(
        [_BIN / "mlcraft-step", *arguments], cwd=place, capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise SystemExit(f"mlcraft-step {' '.join(arguments)} failed:\n{process.stdout}{process.stderr}")
