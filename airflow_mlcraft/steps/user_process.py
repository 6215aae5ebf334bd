"""The user's own processor in training: `clean_table` on the whole table, and `process`, which goes with the model."""

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
class OwnProcessed:
    """`table` has the rows of the source that are used, `frame` what `process` made of them.

    `places` says from which row of the table each row of the frame comes; None where `process` numbers rows anew.
    `hashes` tell the rows of the frame, and `rows` says what they are of.
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

    def recipe_with(self, recipe: Recipe, train: Any, say: Callable[[str], None]) -> Recipe:
        """The recipe with `process` in it; refused where a row alone would get other features than in the table.

        `train` has the places of the training rows in the frame.
        """
        from airflow_mlcraft.ml.process_check import ProcessCheck
        from airflow_mlcraft.ml.row_process import RowProcess, hash_of, processor, raw_columns
        from airflow_mlcraft.tracking.user_process import signed

        if self.changes_nothing:
            if absent := [name for name in recipe.features if name in self.added]:
                raise StepError(
                    f"{self.path.name}: the column {absent[0]!r} is made by clean_table(), which runs in training "
                    "only; a row to predict for would not have it. Make it in process()"
                )
            return recipe
        rows = self.table.drop(columns=[*self.added, recipe.target], errors="ignore")
        columns = raw_columns(rows)
        made = None if self.places is None else self.frame.set_axis(self.places, axis=0)
        check = ProcessCheck(self.path, processor(self.path, self.params), recipe, columns)
        used = self.table if self.places is None else self.table.iloc[self.places[train]]
        unneeded = check.run(used.drop(columns=list(self.added)), made, self.added)
        if lost := len(self.table) - len(self.frame):
            say(
                f"{self.path.name}: process() leaves out {lost} of {len(self.table)} rows; rows like these get no "
                "prediction. clean_table() leaves rows out in training only"
            )
        seen = rows if self.places is None else rows.iloc[self.places[train]]
        source = self.path.read_bytes()
        kept = tuple(replace(one, needed=one.name not in unneeded) for one in raw_columns(seen) if one.kind)
        example = _example(seen, kept, processor(self.path, self.params))
        process = RowProcess(self.path.name, source.decode("utf-8"), hash_of(source), dict(self.params), kept, example)
        say(f"{self.path.name} goes with the model: process() runs on each row to predict for")
        return replace(recipe, process=signed(process.to_json()))


def run_own_process(
    source: pd.DataFrame, path: Path, params: Mapping[str, Any], *, target: str, column: str | None
) -> OwnProcessed:
    """Run the functions of a processor on all rows; `column` tells rows apart, where the user names one."""
    from airflow_mlcraft.ml import user_code
    from airflow_mlcraft.ml.process_check import changes_nothing
    from airflow_mlcraft.ml.row_hash import hashes_of_processed, hashes_of_source, numbered, places_of
    from airflow_mlcraft.ml.row_process import FORM, FUNCTION, processor

    module = user_code.load(path)
    process = user_code.needed(module, FUNCTION, FORM)
    clean = user_code.function(module, CLEAN)
    own = dict(params) if clean is None else _taken(process, params)
    hashes, rows = hashes_of_source(source, column)
    table = source
    if clean is not None:
        if unknown := [name for name in params if name not in own and name not in _taken(clean, params)]:
            raise StepError(f"{path.name}: neither process() nor clean_table() takes the param {unknown[0]!r}")
        table = _cleaned(source, path, clean, _taken(clean, params), target)
        places = places_of(table, len(source))
        hashes = hashes_of_source(table[list(source.columns)], column)[0] if places is None else hashes[places]
    table = numbered(table)
    made = processor(path, own)(table.copy())
    _check(made, path, FUNCTION)
    places = places_of(made, len(table))
    if places is None:
        hashes, rows = hashes_of_processed(made.reset_index(drop=True), column, path)
    else:
        hashes = hashes[places]
    added = tuple(name for name in table.columns if name not in source.columns)
    frame = made.reset_index(drop=True)
    return OwnProcessed(path, own, table, frame, places, hashes, rows, added, changes_nothing(path))


def _cleaned(
    source: pd.DataFrame, path: Path, clean: Callable[..., Any], params: Mapping[str, Any], target: str
) -> pd.DataFrame:
    from airflow_mlcraft.ml import user_code
    from airflow_mlcraft.ml.process_check import check_cleaned
    from airflow_mlcraft.ml.row_hash import numbered

    with user_code.told(path):
        made = clean(numbered(source), **params)
    _check(made, path, CLEAN)
    made = made.rename(columns=str)
    if lacking := [name for name in source.columns if name not in made.columns]:
        raise StepError(
            f"{path.name}: clean_table() takes out the column {lacking[0]!r}, which rows to predict for have; "
            "take it out in process()"
        )
    check_cleaned(path, source, made, target)
    return made


def _taken(function: Callable[..., Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The params that a function takes."""
    wanted = inspect.signature(function).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in wanted):
        return dict(params)
    return {name: value for name, value in params.items() if name in {one.name for one in wanted}}


def _check(made: Any, path: Path, function: str) -> None:
    import pandas as pd

    if not isinstance(made, pd.DataFrame):
        raise StepError(f"{path.name}: {function}() gives a {type(made).__name__}; expected a data frame")
    if made.empty:
        what = "rows" if len(made.columns) else "columns"
        raise StepError(f"{path.name}: {function}() gives a frame without {what}")


def _example(rows: pd.DataFrame, columns: Sequence[RawColumn], process: Callable[..., Any]) -> dict[str, list[Any]]:
    """Rows that `process` takes, in the form of JSON. None is a row of the data, unless it takes no others."""
    import json

    from airflow_mlcraft.ml.row_process import in_order, typed_like

    whole = rows[rows.notna().all(axis=1)]
    real = typed_like((whole if len(whole) else rows).head(_EXAMPLE_ROWS), columns).reset_index(drop=True)
    for made in (_made_up(typed_like(rows, columns), real, columns), _mixed(real), real):
        try:
            in_order(process(made.copy()), made, "")
        except StepError:
            continue
        break
    found = json.loads(made.to_json(orient="split", index=False, date_format="iso", double_precision=15))
    return {name: [row[place] for row in found["data"]] for place, name in enumerate(found["columns"])}


def _made_up(rows: pd.DataFrame, real: pd.DataFrame, columns: Sequence[RawColumn]) -> pd.DataFrame:
    """Numbers and times from the ranges, the most frequent names; texts that come once are of several rows."""
    from airflow_mlcraft.ml.columns import CATEGORY
    from airflow_mlcraft.ml.example_rows import example_rows
    from airflow_mlcraft.ml.row_process import typed_like

    made, mixed = example_rows(rows).head(len(real)), _mixed(real)
    for column in columns:
        if column.kind == CATEGORY and not rows[column.name].duplicated().any():
            made[column.name] = mixed[column.name] if column.needed else None
    return typed_like(made, columns)


def _mixed(real: pd.DataFrame) -> pd.DataFrame:
    """Each column begins at another row."""
    import numpy as np

    made = {name: real[name].to_numpy()[np.arange(place, place + len(real)) % len(real)]
            for place, name in enumerate(real.columns)}  # fmt: skip
    return type(real)(made, index=real.index).astype(real.dtypes.to_dict())
