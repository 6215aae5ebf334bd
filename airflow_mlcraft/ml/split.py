"""Split into a training and a test part. A row's part depends only on its content, id, group or time.

A row keeps its part when the table grows, in any order of rows and any file format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.row_hash import key_hashes, row_hashes, to_uniform

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

RANDOM, STRATIFY, GROUP, TIME = "random", "stratify", "group", "time"
_TWO = 2
_SHOWN = 5
_NOTED_DEVIATION = 0.25
"""A test part whose size deviates from the wanted share by more than this share of it gets a note."""


@dataclass(frozen=True)
class Split:
    """Options of a split. `test_size` is a share below 1, or a number of rows; `id` is the column of row ids."""

    by: str = RANDOM
    column: str | None = None
    test_size: float = 0.2
    seed: int = 0
    id: str | None = None

    def to_json(self) -> Mapping[str, Any]:
        """The content of `split` in recipe.json."""
        fields = {"by": self.by, "column": self.column, "test_size": self.test_size, "seed": self.seed}
        return fields | ({"id": self.id} if self.id else {})


@dataclass(frozen=True)
class RowSplit:
    """Positions of the training and test rows, in the order in which they are written, and notes.

    `boundary` is the first time stamp of the test part of a split by time.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    boundary: str | None = None
    notes: tuple[str, ...] = ()


def split(frame: pd.DataFrame, options: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training part and the test part; their rows keep their index."""
    parts = split_rows(frame, options)
    return frame.iloc[parts.train], frame.iloc[parts.test]


def split_rows(frame: pd.DataFrame, options: Split, hashes: NDArray[np.uint64] | None = None) -> RowSplit:
    """Decide the part of each row. `hashes` are the rows' hashes if they are known from their source."""
    _check_size(options.test_size, len(frame))
    if hashes is None:
        hashes = row_hashes(frame) if options.id is None else key_hashes(_column(frame, options.id, "--id"))
    numbers = to_uniform(hashes, options.seed)
    boundary, notes = None, list[str]()
    if options.by == TIME:
        stamps = to_sortable_times(_column(frame, options.column, "--time"), options.column)
        test, boundary = _latest(stamps, options, frame)
        order = np.lexsort((numbers, stamps))
    else:
        test = _by_group(frame, options) if options.by == GROUP else _by_hash(frame, options, numbers, notes)
        order = np.lexsort((hashes, numbers))
    if options.test_size < 1 and abs(test.mean() - options.test_size) > _NOTED_DEVIATION * options.test_size:
        notes.append(
            f"{int(test.sum())} of {len(test)} rows are for testing: {test.mean():.1%}, not {options.test_size:g}"
        )
    return RowSplit(order[~test[order]], order[test[order]], hashes, boundary, tuple(notes))


def split_columns(options: Split) -> dict[str, str]:
    """The columns by which rows are split besides their hashes, each with the option that names it."""
    option = {STRATIFY: "--target", GROUP: "--group", TIME: "--time"}
    wanted_size = {} if options.id is None else {options.id: "--id"}
    return wanted_size if options.by == RANDOM else {**wanted_size, str(options.column): option[options.by]}


def check_columns(names: Sequence[str], options: Split) -> None:
    """Raise an error if a column by which rows are split is missing."""
    for name, option_name in split_columns(options).items():
        if name not in names:
            raise StepError(f"{option_name}: the data has no column {name!r}; {build_suggestion(name, names)}")


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


def _by_hash(frame: pd.DataFrame, options: Split, numbers: Any, notes: list[str]) -> NDArray[np.bool_]:
    """Rows whose number is below a threshold; if stratified, each class with two different rows is in both parts."""
    test: NDArray[np.bool_] = numbers < _threshold(numbers, options.test_size)
    if options.by == STRATIFY:
        labels = _column(frame, options.column, "--target").astype(str).to_numpy()
        absent = []
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            test[rows] = _fill_both_parts(numbers[rows], test[rows])
            if not test[rows].any():
                absent.append(str(label))
        if absent:
            more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
            notes.append(
                f"the test part has no row of {', '.join(map(repr, absent[:_SHOWN]))}{more} of {options.column!r}: "
                "two different rows of a class are needed for that"
            )
        return test
    test = _fill_both_parts(numbers, test)
    if not test.any():
        raise StepError("all rows are the same; rows that differ, or an --id, are needed to split them")
    return test


def _threshold(numbers: Any, test_size: float) -> float:
    """The threshold: the share itself, or the value below which the given number of rows lie."""
    return test_size if test_size < 1 else float(np.sort(numbers)[int(test_size)])


def _fill_both_parts(numbers: Any, test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask with the lowest number in the test part and the highest in the training part.

    When rows are added, a row may thus move from the test to the training part, but never the other way round.
    """
    low, high = numbers.min(), numbers.max()
    both: NDArray[np.bool_] = (test | (numbers == low)) & (numbers != high)
    return both if low < high else np.zeros_like(test)


def _by_group(frame: pd.DataFrame, options: Split) -> NDArray[np.bool_]:
    groups = key_hashes(_column(frame, options.column, "--group"))
    unique, places = np.unique(groups, return_inverse=True)
    if len(unique) < _TWO:
        raise StepError(f"--group {options.column}: all rows are of one group; at least two groups are needed")
    share = options.test_size if options.test_size < 1 else options.test_size / len(frame)
    numbers = to_uniform(unique, options.seed)
    parts: NDArray[np.bool_] = _fill_both_parts(numbers, numbers < share)[places]
    return parts


def to_sortable_times(values: pd.Series, name: str | None) -> Any:
    """A column of times as a sortable array of numbers or of times without a zone."""
    if values.dtype.kind not in "iufM":
        import pandas as pd

        parts = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
        if parts.isna().any():
            odd = values[parts.isna()].iloc[0]
            raise StepError(f"--time {name}: {str(odd)!r} is no time; expected times such as 2024-05-31 12:00")
        values = parts
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert(None)
    return values.to_numpy()


def _latest(values: Any, options: Split, frame: pd.DataFrame) -> tuple[NDArray[np.bool_], str]:
    """The rows from the time stamp on that gives the test size nearest to the wanted one."""
    stamps, counts = np.unique(values, return_counts=True)
    if len(stamps) < _TWO:
        raise StepError(f"--time {options.column}: all rows have the time {stamps[0]}; at least two times are needed")
    wanted_size = options.test_size if options.test_size >= 1 else options.test_size * len(frame)
    sizes = counts[::-1].cumsum()[::-1][1:]
    boundary = stamps[1:][len(sizes) - 1 - int(np.abs(sizes[::-1] - wanted_size).argmin())]
    return values >= boundary, str(boundary)


def _column(frame: pd.DataFrame, name: str | None, option: str) -> pd.Series:
    if name is None or name not in frame.columns:
        raise StepError(
            f"{option}: the data has no column {name!r}; {build_suggestion(str(name), list(frame.columns))}"
        )
    values = frame[name]
    if values.isna().any():
        raise StepError(f"{option} {name}: {int(values.isna().sum())} of {len(frame)} rows have no value of it")
    return values
