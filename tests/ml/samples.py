"""Data for tests: what scikit-learn brings, and a frame with columns of all kinds."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from airflow_mlcraft.ml.choose_recipe import RecipeOptions, choose_recipe
from airflow_mlcraft.ml.recipe import Recipe
from airflow_mlcraft.ml.split import Split, split
from airflow_mlcraft.steps.command import run
from airflow_mlcraft.steps.services import Services


def iris() -> pd.DataFrame:
    """Three classes with names."""
    data = load_iris(as_frame=True)
    return _round_trip_csv(data.frame.assign(target=data.target_names[data.target]))


def cancer() -> pd.DataFrame:
    """Two classes, 0 and 1, of which only some columns are kept."""
    return _round_trip_csv(load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 3, 4, -1]])


def diabetes() -> pd.DataFrame:
    """A number to predict."""
    return _round_trip_csv(load_diabetes(as_frame=True).frame)


def _round_trip_csv(frame: pd.DataFrame) -> pd.DataFrame:
    """The table as pandas reads it from CSV, column by column: the last bit of a column's sum depends on that."""
    return pd.read_csv(StringIO(frame.to_csv(index=False)))


def generate_mixed_table(rows: int = 120) -> pd.DataFrame:
    """Numbers, texts, truth values, dates; some missing; a target that depends on some of them."""
    random = np.random.default_rng(7)
    size = random.normal(10, 3, rows).round(3)
    colour = random.choice(["red", "green", "blue"], rows)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(random.integers(0, 400, rows), unit="D")
    frame = pd.DataFrame(
        {
            "size": size,
            "leaves": random.integers(1, 9, rows),
            "colour": colour,
            "wild": random.random(rows) < 0.5,
            "day": days.strftime("%Y-%m-%d"),
            "note": [f"note {number}" for number in range(rows)],
            "target": np.where(size + 2 * (colour == "red") > 10, "tall", "short"),
        }
    )
    frame.loc[::11, "size"] = np.nan
    frame.loc[3::17, "colour"] = None
    return frame


def split_with_recipe(
    frame: pd.DataFrame, target: str = "target", **wishes: Any
) -> tuple[Recipe, pd.DataFrame, pd.DataFrame]:
    """Choose a recipe, and split a table. Returns the recipe, and the raw training and test parts."""
    how = Split(test_size=0.25, seed=3)
    train, test = split(frame, how)
    return choose_recipe(train, target, how, RecipeOptions(**wishes)), train, test


class Steps:
    """Runs steps in a folder, and keeps their log lines."""

    def __init__(self, folder: Path, state: Path | None = None):
        self.folder = folder
        self.log_lines: list[str] = []
        self._services = Services(state=state, log=self.log_lines.append)

    def __call__(self, *arguments: str) -> int:
        """The exit code of a step."""
        return run(list(arguments), folder=self.folder, services=self._services)

    def run_checked(self, *arguments: str) -> None:
        """Run a step, which must succeed."""
        assert self(*arguments) == 0, self.log_lines

    def run_for_error(self, *arguments: str) -> str:
        """Run a step, which must fail. Returns its message."""
        before = len(self.log_lines)
        assert self(*arguments) == 1, self.log_lines
        return " ".join(self.log_lines[before:])
