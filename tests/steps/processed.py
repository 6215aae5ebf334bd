"""Data that is processed already, for the steps that come after."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.ml.samples import Steps, diabetes, generate_mixed_table

PARTS = ("--train", "train.parquet", "--recipe", "recipe.json")


def process_table(folder: Path, frame: pd.DataFrame | None = None, *how: str, state: Path | None = None) -> Steps:
    """Process a table in a folder, which then has train.parquet, test.parquet and recipe.json."""
    folder.mkdir(exist_ok=True)
    (generate_mixed_table() if frame is None else frame).to_csv(folder / "data.csv", index=False)
    steps = Steps(folder, state)
    steps.run_checked("process", "--data", "data.csv", "--target", "target", *how)
    return steps


def train_model(steps: Steps, name: str, folder: str, *how: str) -> None:
    """Train a model, and move it to a folder of its own."""
    steps.run_checked("train", *PARTS, "--model", name, "--folds", "3", *how)
    (steps.folder / "model").rename(steps.folder / folder)


def read_files(folder: Path) -> dict[str, bytes]:
    """The content of all files below a folder, by path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def process_diabetes(folder: Path) -> Steps:
    """Process a table for regression."""
    return process_table(folder, diabetes())
