"""The user's processor in training: `clean_table` on the whole table, and `process`, which is stored with the model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.ml.row_process import RawColumn

CLEAN = "clean_table"
_EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class ProcessedTable:
    """Data before and after the user's functions: `table` after `clean_table`, `frame` after `process`.

    `places` are the positions in the table of the frame's rows; None if `process` has numbered rows anew.
    `hashes` are hashes of the frame's rows, and `rows` describes what was hashed. `added` are columns that
    `clean_table` has added.
    """

    path: Path
    params: Mapping[str, Any]
    table: pd.DataFrame
    frame: pd.DataFrame
    places: Any
    hashes: Any
    rows: dict[str, Any]
    added: tuple[str, ...]
    changes_nothing: bool

    def add_process_to(self, recipe: Recipe, train: Any, log: Callable[[str], None]) -> Recipe:
        """The recipe with `process`; raises an error if a single row gets other features than the whole table.

        `train` has the positions of the training rows in the frame.
        """
        from airflow_mlcraft.ml.process_check import ProcessCheck
        from airflow_mlcraft.ml.row_process import RowProcess, hash_source, load_process, raw_columns
        from airflow_mlcraft.tracking.user_process import sign

        if self.changes_nothing:
            if absent := [name for name in recipe.features if name in self.added]:
                raise StepError(
                    f"{self.path.name}: the column {absent[0]!r} is made by clean_table(), which runs in training "
                    "only; a row to predict for would not have it. Make it in process()"
                )
            return recipe
        rows = self.table.drop(columns=[*self.added, recipe.target], errors="ignore")
        columns = raw_columns(rows)
        result = None if self.places is None else self.frame.set_axis(self.places, axis=0)
        process_check = ProcessCheck(self.path, load_process(self.path, self.params), recipe, columns)
        training_table = self.table if self.places is None else self.table.iloc[self.places[train]]
        unneeded = process_check.run(training_table.drop(columns=list(self.added)), result, self.added)
        if lost := len(self.table) - len(self.frame):
            log(
                f"{self.path.name}: process() leaves out {lost} of {len(self.table)} rows; rows like these get no "
                "prediction. clean_table() leaves rows out in training only"
            )
        training_rows = rows if self.places is None else rows.iloc[self.places[train]]
        source = self.path.read_bytes()
        used_columns = tuple(
            replace(one, needed=one.name not in unneeded) for one in raw_columns(training_rows) if one.kind
        )
        example = _build_example(training_rows, used_columns, load_process(self.path, self.params))
        process = RowProcess(
            self.path.name, source.decode("utf-8"), hash_source(source), dict(self.params), used_columns, example
        )
        log(f"{self.path.name} goes with the model: process() runs on each row to predict for")
        return replace(recipe, process=sign(process.to_json()))


def run_user_process(
    source: pd.DataFrame, path: Path, params: Mapping[str, Any], *, target: str, column: str | None
) -> ProcessedTable:
    """Run the functions of a processor on all rows. `column` is the user's id column, by which rows are identified."""
    from airflow_mlcraft.ml import user_code
    from airflow_mlcraft.ml.process_check import is_identity
    from airflow_mlcraft.ml.row_hash import hashes_of_processed, hashes_of_source, source_positions, with_row_numbers
    from airflow_mlcraft.ml.row_process import FUNCTION, PROCESS_SIGNATURE, load_process

    module = user_code.load(path)
    process = user_code.require_function(module, FUNCTION, PROCESS_SIGNATURE)
    clean = user_code.function(module, CLEAN)
    process_params = dict(params) if clean is None else _accepted_params(process, params)
    hashes, rows = hashes_of_source(source, column)
    table = source
    if clean is not None:
        if unknown := [
            name for name in params if name not in process_params and name not in _accepted_params(clean, params)
        ]:
            raise StepError(f"{path.name}: neither process() nor clean_table() takes the param {unknown[0]!r}")
        table = _run_clean_table(source, path, clean, _accepted_params(clean, params), target)
        places = source_positions(table, len(source))
        hashes = hashes_of_source(table[list(source.columns)], column)[0] if places is None else hashes[places]
    table = with_row_numbers(table)
    result = load_process(path, process_params)(table.copy())
    _check_frame(result, path, FUNCTION)
    places = source_positions(result, len(table))
    if places is None:
        hashes, rows = hashes_of_processed(result.reset_index(drop=True), column, path)
    else:
        hashes = hashes[places]
    added = tuple(name for name in table.columns if name not in source.columns)
    frame = result.reset_index(drop=True)
    return ProcessedTable(path, process_params, table, frame, places, hashes, rows, added, is_identity(path))


def _run_clean_table(
    source: pd.DataFrame, path: Path, clean: Callable[..., Any], params: Mapping[str, Any], target: str
) -> pd.DataFrame:
    from airflow_mlcraft.ml import user_code
    from airflow_mlcraft.ml.process_check import check_clean_table
    from airflow_mlcraft.ml.row_hash import with_row_numbers

    with user_code.locate_errors(path):
        result = clean(with_row_numbers(source), **params)
    _check_frame(result, path, CLEAN)
    result = result.rename(columns=str)
    if lacking := [name for name in source.columns if name not in result.columns]:
        raise StepError(
            f"{path.name}: clean_table() takes out the column {lacking[0]!r}, which rows to predict for have; "
            "take it out in process()"
        )
    check_clean_table(path, source, result, target)
    return result


def _accepted_params(function: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The params that a function accepts."""
    parameters = inspect.signature(function).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return dict(params)
    return {name: value for name, value in params.items() if name in {one.name for one in parameters}}


def _check_frame(result: Any, path: Path, function: str) -> None:
    import pandas as pd

    if not isinstance(result, pd.DataFrame):
        raise StepError(f"{path.name}: {function}() gives a {type(result).__name__}; expected a data frame")
    if result.empty:
        what = "rows" if len(result.columns) else "columns"
        raise StepError(f"{path.name}: {function}() gives a frame without {what}")


def _build_example(
    rows: pd.DataFrame, columns: Sequence[RawColumn], process: Callable[..., Any]
) -> dict[str, list[Any]]:
    """Example rows that `process` accepts, as JSON. Rows of the data are only used if it accepts no synthetic ones."""
    import json

    from airflow_mlcraft.ml.row_process import check_row_order, to_raw_types

    complete = rows[rows.notna().all(axis=1)]
    real = to_raw_types((complete if len(complete) else rows).head(_EXAMPLE_ROWS), columns).reset_index(drop=True)
    for result in (_synthetic_rows(to_raw_types(rows, columns), real, columns), _shift_columns(real), real):
        try:
            check_row_order(process(result.copy()), result, "")
        except StepError:
            continue
        break
    split_json = json.loads(result.to_json(orient="split", index=False, date_format="iso", double_precision=15))
    return {name: [row[place] for row in split_json["data"]] for place, name in enumerate(split_json["columns"])}


def _synthetic_rows(rows: pd.DataFrame, real: pd.DataFrame, columns: Sequence[RawColumn]) -> pd.DataFrame:
    """Numbers and times from the columns' ranges, frequent categories, and unique texts from shifted columns."""
    from airflow_mlcraft.ml.columns import CATEGORY
    from airflow_mlcraft.ml.example_rows import example_rows
    from airflow_mlcraft.ml.row_process import to_raw_types

    result, mixed = example_rows(rows).head(len(real)), _shift_columns(real)
    for column in columns:
        if column.kind == CATEGORY and not rows[column.name].duplicated().any():
            result[column.name] = mixed[column.name] if column.needed else None
    return to_raw_types(result, columns)


def _shift_columns(real: pd.DataFrame) -> pd.DataFrame:
    """The rows with each column shifted by another number of rows."""
    import numpy as np

    result = {name: real[name].to_numpy()[np.arange(place, place + len(real)) % len(real)]
            for place, name in enumerate(real.columns)}  # fmt: skip
    return type(real)(result, index=real.index).astype(real.dtypes.to_dict())
