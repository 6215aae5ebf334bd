"""A training and a test part: at random, with equal shares of classes, whole groups together, or the latest rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.nearest import suggestion

if TYPE_CHECKING:
    import pandas as pd

RANDOM, STRATIFY, GROUP, TIME = "random", "stratify", "group", "time"
_TWO = 2
_SHOWN = 5


@dataclass(frozen=True)
class Split:
    """How to cut. `test_size` is a share below 1, or a number of rows."""

    by: str = RANDOM
    column: str | None = None
    test_size: float = 0.2
    seed: int = 0

    def to_json(self) -> Mapping[str, Any]:
        """In the form of a recipe."""
        return {"by": self.by, "column": self.column, "test_size": self.test_size, "seed": self.seed}


def split(frame: pd.DataFrame, how: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training part and the test part; their rows keep their index."""
    size = _size(how.test_size, len(frame))
    if how.by == TIME:
        train, test = _by_time(frame, how, size)
    elif how.by == GROUP:
        train, test = _by_group(frame, how)
    else:
        train, test = _by_chance(frame, how, size)
    return frame.iloc[train], frame.iloc[test]


def _size(test_size: float, rows: int) -> int | float:
    if rows < _TWO:
        raise StepError(f"the data has {rows} row{'' if rows == 1 else 's'}; at least 2 are needed to split it")
    if test_size >= 1 and float(test_size).is_integer():
        if test_size >= rows:
            raise StepError(f"--test-size {test_size:g} leaves no row for training; the data has {rows}")
        return int(test_size)
    if not 0 < test_size < 1:
        raise StepError(f"--test-size is {test_size:g}; expected a share between 0 and 1, or a number of rows")
    if int(rows * (1 - test_size)) < 1:
        raise StepError(f"--test-size {test_size:g} of {rows} rows leaves no row for training")
    return test_size


def _by_chance(frame: pd.DataFrame, how: Split, size: float) -> tuple[Any, Any]:
    from sklearn.model_selection import train_test_split

    labels = None
    if how.by == STRATIFY:
        labels = _column(frame, how.column, "--target")
        _check_classes(labels, how, size)
    rows = np.arange(len(frame))
    train, test = train_test_split(rows, test_size=size, random_state=how.seed, stratify=labels)
    return train, test


def _check_classes(labels: pd.Series, how: Split, size: float) -> None:
    counts = labels.value_counts(dropna=False)
    if int(counts.min()) < _TWO:
        alone = [str(name) for name in counts.index[counts < _TWO]]
        more = f" and {len(alone) - _SHOWN} more" if len(alone) > _SHOWN else ""
        raise StepError(
            f"--stratify needs two rows of each class of {how.column!r}, and there is one of "
            f"{', '.join(map(repr, alone[:_SHOWN]))}{more}; leave it out, or split without --stratify"
        )
    test = size if isinstance(size, int) else int(np.ceil(size * len(labels)))
    if min(test, len(labels) - test) < len(counts):
        raise StepError(
            f"--stratify needs a row of each of the {len(counts)} classes of {how.column!r} in both parts, and there "
            f"would be {len(labels) - int(test)} rows for training and {int(test)} for testing; change --test-size"
        )


def _by_group(frame: pd.DataFrame, how: Split) -> tuple[Any, Any]:
    from sklearn.model_selection import GroupShuffleSplit

    groups = _column(frame, how.column, "--group")
    count = int(groups.nunique())
    if count < _TWO:
        raise StepError(f"--group {how.column}: all rows are of one group; at least two groups are needed")
    share = how.test_size if how.test_size < 1 else how.test_size / len(frame)
    if not 0 < round(share * count) < count:
        share = 1 / count if share * count < 1 else (count - 1) / count
    codes = groups.astype(str).to_numpy()
    cut = GroupShuffleSplit(1, test_size=max(1, round(share * count)), random_state=how.seed)
    train, test = next(iter(cut.split(np.zeros(len(frame)), groups=codes)))
    return train, test


def _by_time(frame: pd.DataFrame, how: Split, size: float) -> tuple[Any, Any]:
    values = _column(frame, how.column, "--time")
    if values.dtype.kind not in "iufM":
        import pandas as pd

        times = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
        if times.isna().any():
            odd = values[times.isna()].iloc[0]
            raise StepError(f"--time {how.column}: {str(odd)!r} is no time; expected times such as 2024-05-31 12:00")
        values = times
    order = np.argsort(values.to_numpy(), kind="stable")
    test = size if isinstance(size, int) else int(np.ceil(size * len(frame)))
    return order[: len(order) - int(test)], order[len(order) - int(test) :]


def _column(frame: pd.DataFrame, name: str | None, option: str) -> pd.Series:
    if name is None or name not in frame.columns:
        raise StepError(f"{option}: the data has no column {name!r}; {suggestion(str(name), frame.columns)}")
    values = frame[name]
    if values.isna().any():
        raise StepError(f"{option} {name}: {int(values.isna().sum())} of {len(frame)} rows have no value of it")
    return values
