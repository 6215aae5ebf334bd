"""A training and a test part. The side of a row is decided by its own content, its id, its group or its time.

A row that stays in a growing table stays on its side. Neither the order of rows nor the file format matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.row_hash import key_hashes, row_hashes, uniform

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

RANDOM, STRATIFY, GROUP, TIME = "random", "stratify", "group", "time"
_TWO = 2
_SHOWN = 5
_FAR = 0.25
"""A test part that differs from the share asked for by more than this share of it is worth a sentence."""


@dataclass(frozen=True)
class Split:
    """How to cut. `test_size` is a share below 1, or a number of rows; `id` names the column that tells rows apart."""

    by: str = RANDOM
    column: str | None = None
    test_size: float = 0.2
    seed: int = 0
    id: str | None = None

    def to_json(self) -> Mapping[str, Any]:
        """In the form of a recipe."""
        made = {"by": self.by, "column": self.column, "test_size": self.test_size, "seed": self.seed}
        return made | ({"id": self.id} if self.id else {})


@dataclass(frozen=True)
class Cut:
    """Places of the training and test rows, in the order in which they are kept, and what is to be said.

    `boundary` is the first time stamp of the test part of a split by time.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    boundary: str | None = None
    notes: tuple[str, ...] = ()


def split(frame: pd.DataFrame, how: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training part and the test part; their rows keep their index."""
    found = cut(frame, how)
    return frame.iloc[found.train], frame.iloc[found.test]


def cut(frame: pd.DataFrame, how: Split, hashes: NDArray[np.uint64] | None = None) -> Cut:
    """Decide the side of each row. `hashes` are those of the rows where they are known from their source."""
    _check_size(how.test_size, len(frame))
    if hashes is None:
        hashes = row_hashes(frame) if how.id is None else key_hashes(_column(frame, how.id, "--id"))
    numbers = uniform(hashes, how.seed)
    boundary, notes = None, list[str]()
    if how.by == TIME:
        stamps = times(_column(frame, how.column, "--time"), how.column)
        test, boundary = _latest(stamps, how, frame)
        order = np.lexsort((numbers, stamps))
    else:
        test = _by_group(frame, how) if how.by == GROUP else _by_hash(frame, how, numbers, notes)
        order = np.lexsort((hashes, numbers))
    if how.test_size < 1 and abs(test.mean() - how.test_size) > _FAR * how.test_size:
        notes.append(f"{int(test.sum())} of {len(test)} rows are for testing: {test.mean():.1%}, not {how.test_size:g}")
    return Cut(order[~test[order]], order[test[order]], hashes, boundary, tuple(notes))


def needed_columns(how: Split) -> dict[str, str]:
    """The columns that decide sides, with the option that names each. The hashes of rows are of all columns."""
    option = {STRATIFY: "--target", GROUP: "--group", TIME: "--time"}
    wanted = {} if how.id is None else {how.id: "--id"}
    return wanted if how.by == RANDOM else {**wanted, str(how.column): option[how.by]}


def check_columns(names: Sequence[str], how: Split) -> None:
    """The columns that decide sides are there."""
    for name, option in needed_columns(how).items():
        if name not in names:
            raise StepError(f"{option}: the data has no column {name!r}; {suggestion(name, names)}")


def _check_size(test_size: float, rows: int) -> None:
    if rows < _TWO:
        raise StepError(f"the data has {rows} row{'' if rows == 1 else 's'}; at least 2 are needed to split it")
    if test_size >= 1 and float(test_size).is_integer():
        if test_size >= rows:
            raise StepError(f"--test-size {test_size:g} leaves no row for training; the data has {rows}")
        return
    if not 0 < test_size < 1:
        raise StepError(f"--test-size is {test_size:g}; expected a share between 0 and 1, or a number of rows")
    if int(rows * (1 - test_size)) < 1:
        raise StepError(f"--test-size {test_size:g} of {rows} rows leaves no row for training")


def _by_hash(frame: pd.DataFrame, how: Split, numbers: Any, notes: list[str]) -> NDArray[np.bool_]:
    """Rows whose number is below a threshold; where classes are shared, at least one row of each class that has two."""
    test: NDArray[np.bool_] = numbers < _threshold(numbers, how.test_size)
    if how.by == STRATIFY:
        labels = _column(frame, how.column, "--target").astype(str).to_numpy()
        lacking = []
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            test[rows] = _both_sides(numbers[rows], test[rows])
            if not test[rows].any():
                lacking.append(str(label))
        if lacking:
            more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            notes.append(
                f"the test part has no row of {', '.join(map(repr, lacking[:_SHOWN]))}{more} of {how.column!r}: "
                "two different rows of a class are needed for that"
            )
        return test
    test = _both_sides(numbers, test)
    if not test.any():
        raise StepError("all rows are the same; rows that differ, or an --id, are needed to split them")
    return test


def _threshold(numbers: Any, test_size: float) -> float:
    """Of a share: itself, whatever the rows are. Of a number of rows: the value that so many are below."""
    return test_size if test_size < 1 else float(np.sort(numbers)[int(test_size)])


def _both_sides(numbers: Any, test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same, but with the lowest number in the test part and the highest in the training part.

    A lower number that comes later takes the place of the lowest, which goes to the training part: never the other
    way round.
    """
    low, high = numbers.min(), numbers.max()
    both: NDArray[np.bool_] = (test | (numbers == low)) & (numbers != high)
    return both if low < high else np.zeros_like(test)


def _by_group(frame: pd.DataFrame, how: Split) -> NDArray[np.bool_]:
    groups = key_hashes(_column(frame, how.column, "--group"))
    unique, places = np.unique(groups, return_inverse=True)
    if len(unique) < _TWO:
        raise StepError(f"--group {how.column}: all rows are of one group; at least two groups are needed")
    share = how.test_size if how.test_size < 1 else how.test_size / len(frame)
    numbers = uniform(unique, how.seed)
    found: NDArray[np.bool_] = _both_sides(numbers, numbers < share)[places]
    return found


def times(values: pd.Series, name: str | None) -> Any:
    """A column of times, as numbers or times without a zone that can be sorted."""
    if values.dtype.kind not in "iufM":
        import pandas as pd

        found = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
        if found.isna().any():
            odd = values[found.isna()].iloc[0]
            raise StepError(f"--time {name}: {str(odd)!r} is no time; expected times such as 2024-05-31 12:00")
        values = found
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert(None)
    return values.to_numpy()


def _latest(values: Any, how: Split, frame: pd.DataFrame) -> tuple[NDArray[np.bool_], str]:
    """The rows from a time stamp on: the one that gives the size nearest to that asked for."""
    stamps, counts = np.unique(values, return_counts=True)
    if len(stamps) < _TWO:
        raise StepError(f"--time {how.column}: all rows have the time {stamps[0]}; at least two times are needed")
    wanted = how.test_size if how.test_size >= 1 else how.test_size * len(frame)
    sizes = counts[::-1].cumsum()[::-1][1:]
    boundary = stamps[1:][len(sizes) - 1 - int(np.abs(sizes[::-1] - wanted).argmin())]
    return values >= boundary, str(boundary)


def _column(frame: pd.DataFrame, name: str | None, option: str) -> pd.Series:
    if name is None or name not in frame.columns:
        raise StepError(f"{option}: the data has no column {name!r}; {suggestion(str(name), list(frame.columns))}")
    values = frame[name]
    if values.isna().any():
        raise StepError(f"{option} {name}: {int(values.isna().sum())} of {len(frame)} rows have no value of it")
    return values
