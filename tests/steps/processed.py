"""Data that is processed already, for the steps that come after."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.ml.samples import Steps, diabetes, wild

PARTS = ("--train", "train.parquet", "--recipe", "recipe.json")


def processed(folder: Path, frame: pd.DataFrame | None = None, *how: str, state: Path | None = None) -> Steps:
    """A folder with train.parquet, test.parquet and recipe.json."""
    folder.mkdir(exist_ok=True)
    (wild() if frame is None else frame).to_csv(folder / "data.csv", index=False)
    steps = Steps(folder, state)
    steps.must("process", "--data", "data.csv", "--target", "target", *how)
    return steps


def trained(steps: Steps, name: str, folder: str, *how: str) -> None:
    """A model under a name of its own."""
    steps.must("train", *PARTS, "--model", name, "--folds", "3", *how)
    (steps.folder / "model").rename(steps.folder / folder)


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def numbers(folder: Path) -> Steps:
    """A regression."""
    return processed(folder, diabetes())
