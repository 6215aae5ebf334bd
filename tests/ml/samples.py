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
    return _from_a_file(data.frame.assign(target=data.target_names[data.target]))


def cancer() -> pd.DataFrame:
    """Two classes, 0 and 1, of which only some columns are kept."""
    return _from_a_file(load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 3, 4, -1]])


def diabetes() -> pd.DataFrame:
    """A number to predict."""
    return _from_a_file(load_diabetes(as_frame=True).frame)


def _from_a_file(frame: pd.DataFrame) -> pd.DataFrame:
    """As pandas holds what it has read, column by column: sums over a column depend on that in their last bit."""
    return pd.read_csv(StringIO(frame.to_csv(index=False)))


def wild(rows: int = 120) -> pd.DataFrame:
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


def cut(frame: pd.DataFrame, target: str = "target", **wishes: Any) -> tuple[Recipe, pd.DataFrame, pd.DataFrame]:
    """A recipe, and the raw training and test parts."""
    how = Split(test_size=0.25, seed=3)
    train, test = split(frame, how)
    return choose_recipe(train, target, how, RecipeOptions(**wishes)), train, test


class Steps:
    """Runs steps in a folder, and keeps what they say."""

    def __init__(self, folder: Path, state: Path | None = None):
        self.folder = folder
        self.said: list[str] = []
        self._services = Services(state=state, log=self.said.append)

    def __call__(self, *arguments: str) -> int:
        """The exit code of a step."""
        return run(list(arguments), folder=self.folder, services=self._services)

    def must(self, *arguments: str) -> None:
        """A step that has to do its work."""
        assert self(*arguments) == 0, self.said

    def refusal(self, *arguments: str) -> str:
        """The sentence of a step that must not."""
        before = len(self.said)
        assert self(*arguments) == 1, self.said
        return " ".join(self.said[before:])
