"""`process`: splits data into a training and a test part, and writes the recipe of their preparation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.steps.split import add_split_options, parse_split

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.choose_recipe import RecipeOptions
    from airflow_mlcraft.ml.data.table_on_disk import TableInMemory, TableOnDisk, TableView
    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.ml.split import RowSplit, Split
    from airflow_mlcraft.steps.user_process import ProcessedTable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--data", required=True, metavar="FILE", help="the data")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--prediction", help="classification or regression; by default what the target looks like")
    parser.add_argument("--positive", metavar="LABEL", help="of two classes the one to find; the second by default")
    parser.add_argument(
        "--code", metavar="FILE", help="a Python file with `process(frame, **params)`, which goes with the model"
    )
    parser.add_argument("--params", metavar="JSON", help="params for it, as JSON or a file of it")
    parser.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    parser.add_argument(
        "--impute",
        default="median",
        help='for missing numbers: median (default), mean, most_frequent, zero; or JSON with columns: {"age": "mean"}',
    )
    parser.add_argument("--scale", default="standard", help="for numbers: standard (default), minmax, robust, none")
    parser.add_argument(
        "--max-categories",
        type=int,
        metavar="N",
        help="columns that the categories of one column become at most; chosen by the data when left out",
    )
    parser.add_argument(
        "--types", metavar="JSON", help='kinds of columns: {"zip": "category"}; number, category, boolean, date, text'
    )
    parser.add_argument("--dates", metavar="JSON", help='how dates are written, by column: {"joined": "%%d/%%m/%%Y"}')
    add_split_options(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write train.parquet, test.parquet, recipe.json and profile.json.

    Rows are read in batches, and the recipe is chosen column by column. The user's own code gets the whole table.
    """
    from airflow_mlcraft.ml.choose_recipe import RecipeOptions
    from airflow_mlcraft.ml.column_kinds import KindOptions
    from airflow_mlcraft.ml.data.profile import profile_frame
    from airflow_mlcraft.ml.data.table_on_disk import TableView

    split = parse_split(options)
    columns = inputs.json_object(folder, options.impute, "impute") if options.impute.lstrip().startswith("{") else {}
    impute = "median" if columns else options.impute
    recipe_options = RecipeOptions(
        options.prediction,
        options.positive,
        impute,
        options.scale,
        options.max_categories,
        KindOptions(
            inputs.json_object(folder, options.types, "types"), inputs.json_object(folder, options.dates, "dates")
        ),
        columns,
    )
    params = inputs.json_object(folder, options.params, "params")
    with TemporaryDirectory(dir=folder, prefix=".process-") as name:
        source = _read_source(options, params, folder, split, Path(name))
        recipe, found, split = _choose_recipe_and_split(source, split, recipe_options, options, services)
        sizes = _write_parts(recipe, source.table, found, folder, Path(name))
        listed = [name for name in source.table.columns if name not in options.drop]
        write_json(folder / "profile.json", profile_frame(TableView(source.table, listed)))
    write_json(folder / "recipe.json", recipe.to_json())
    record = Record()
    for port, (rows, width) in sizes.items():
        context = "training" if port == "train" else "testing"
        record.add_dataset(port, f"{port}.parquet", context, {"rows": rows, "columns": width})
    record.add_params(target=recipe.target, prediction=recipe.task, impute=options.impute, scale=options.scale)
    record.add_params(**{f"split_{name}": value for name, value in split.to_json().items()})
    record.add_params(max_categories=options.max_categories)
    record.add_params(drop=options.drop or None, **{f"process_{name}": value for name, value in params.items()})
    record.add_metrics({"rows_train": len(found.train), "rows_test": len(found.test), "features": len(recipe.columns)})
    record.add_artifact("recipe")
    record.add_artifact("profile")
    record.write(folder)
    services.log(
        f"{recipe.task} of {recipe.target!r} from {len(recipe.columns)} columns: "
        f"{len(found.train)} rows for training, {len(found.test)} for testing ({split.by})"
    )


@dataclass(frozen=True)
class _Source:
    """The rows to split, their hashes, and a description of what was hashed. `names` has all columns of the data."""

    table: TableOnDisk | TableInMemory
    names: list[str]
    hashes: Any
    rows: dict[str, Any]
    own: ProcessedTable | None = None


def _read_source(
    options: argparse.Namespace, params: dict[str, Any], folder: Path, split: Split, place: Path
) -> _Source:
    from airflow_mlcraft.ml.data.table_on_disk import TableInMemory, TableOnDisk
    from airflow_mlcraft.ml.row_hash import hashes_of_source
    from airflow_mlcraft.ml.split import split_columns

    if options.code is not None:
        processed = _run_user_process(
            _with_unique_names(inputs.frame(folder, options.data, "data")), options, params, folder, split
        )
        frame = _with_unique_names(processed.frame)
        return _Source(TableInMemory(frame), list(frame.columns), processed.hashes, processed.rows, processed)
    if params:
        raise StepError("--params are for the function in --code; give that too")
    table, hashes, names = TableOnDisk(place), list[Any](), list[str]()
    rows: dict[str, Any] = {}
    unread = set(options.drop) - set(split_columns(split)) - {options.target}
    for frame in inputs.batches(folder, options.data, "data"):
        names = list(_with_unique_names(frame).columns)
        batch_hashes, rows_of_batch = hashes_of_source(frame, split.id)
        rows = rows or rows_of_batch
        if rows != rows_of_batch:
            # A later batch lacks an id, and so rows are told apart by all columns.
            earlier_hashes = (hashes_of_source(batch, None) for batch in inputs.batches(folder, options.data, "data"))
            hashes, split = (
                [hashes_and_rows[0] for hashes_and_rows in islice(earlier_hashes, len(hashes))],
                replace(split, id=None),
            )
            batch_hashes, rows = hashes_of_source(frame, None)
        hashes.append(batch_hashes)
        table.add(frame[[name for name in names if name not in unread]])
    return _Source(table, names, np.concatenate(hashes), rows)


def _choose_recipe_and_split(
    source: _Source, split: Split, recipe_options: RecipeOptions, options: argparse.Namespace, services: Services
) -> tuple[Recipe, RowSplit, Split]:
    """The recipe, the part of each row, and the split, which may differ from the options for rare classes."""
    import pandas as pd

    from airflow_mlcraft.ml.choose_recipe import choose_recipe
    from airflow_mlcraft.ml.data.table_on_disk import TableView
    from airflow_mlcraft.ml.row_hash import ROW_HASH
    from airflow_mlcraft.ml.split import split_columns, split_rows
    from airflow_mlcraft.ml.target import check_target

    table = source.table
    _check_drop(source.names, options.drop, options.target)
    check_target(table, options.target)
    split = _stratify_rare_classes(split, table[options.target], options, services)
    split_values = {name: table[name] for name in split_columns(split) if name in table.columns}
    row_split = split_rows(pd.DataFrame(split_values, index=range(len(table))), split, source.hashes)
    unused = [*options.drop, ROW_HASH, *([split.id] if split.id else [])]
    read = [name for name in table.columns if name not in unused]
    recipe = choose_recipe(TableView(table, read, row_split.train), options.target, split, recipe_options)
    recipe = replace(recipe, split={**recipe.split, "boundary": row_split.boundary, "rows": source.rows})
    if source.own is not None:
        recipe = source.own.add_process_to(recipe, row_split.train, services.log)
    recipe = _with_split_note(recipe, TableView(table, read), split)
    for line in row_split.notes:
        services.log(line)
    for line in _notes(recipe):
        services.log(line)
    return recipe, row_split, split


def _write_parts(
    recipe: Recipe, table: TableOnDisk | TableInMemory, row_split: RowSplit, folder: Path, place: Path
) -> dict[str, tuple[int, int]]:
    """Write both parts; returns the numbers of rows and columns of each."""
    from airflow_mlcraft.ml.data.table_on_disk import write_ordered

    orders = {"train": row_split.train, "test": row_split.test}
    truth = _read_targets(recipe, table[recipe.target], list(orders.values()))

    def prepare(rows: pd.DataFrame, at: Any) -> pd.DataFrame:
        return prepare_rows(recipe, rows, truth[at], row_split.hashes[at])

    return write_ordered(table, orders, folder, place, prepare)


def _read_targets(recipe: Recipe, values: pd.Series, orders: Sequence[Any]) -> Any:
    """The target of each row. It is read from a whole part at once, as all labels decide whether they are numbers."""
    targets_of_parts = [recipe.truth(values.iloc[order].to_frame()) for order in orders]
    targets = np.empty(len(values), dtype=targets_of_parts[0].dtype)
    for order, part in zip(orders, targets_of_parts, strict=True):
        targets[order] = part
    return targets


def prepare_rows(recipe: Recipe, rows: pd.DataFrame, truth: Any, hashes: Any) -> pd.DataFrame:
    """Rows of a part: the columns of the recipe, the target, the columns that rows are split by, and the row hashes."""
    from airflow_mlcraft.ml.row_hash import ROW_HASH

    prepared = recipe.typed(rows).copy()
    if recipe.group is not None:
        prepared[recipe.group] = rows[recipe.group].astype(str)
    if recipe.time is not None and recipe.time not in prepared.columns:
        prepared[recipe.time] = rows[recipe.time]
    prepared[recipe.target] = truth
    prepared[ROW_HASH] = hashes
    return prepared


def _run_user_process(
    source: pd.DataFrame, options: argparse.Namespace, params: dict[str, Any], folder: Path, split: Split
) -> ProcessedTable:
    from airflow_mlcraft.steps.user_process import run_user_process

    path = inputs.file(folder, options.code, "code")
    return run_user_process(source, path, params, target=options.target, column=split.id)


def _stratify_rare_classes(split: Split, values: pd.Series, options: argparse.Namespace, services: Services) -> Split:
    """A random split as a stratified one if one of the classes is rare."""
    from airflow_mlcraft.ml.class_balance import count_classes, find_rarest
    from airflow_mlcraft.ml.metrics import CLASSIFICATION
    from airflow_mlcraft.ml.split import RANDOM, STRATIFY
    from airflow_mlcraft.ml.target import detect_task

    if split.by != RANDOM or (options.prediction or detect_task(values)) != CLASSIFICATION:
        return split
    rarest = find_rarest(count_classes(values.astype(str)))
    if not rarest.is_rare:
        return split
    services.log(f"the test part gets rows of each class, as with --stratify, because {rarest}")
    return replace(split, by=STRATIFY, column=options.target)


def _with_unique_names(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns=str)
    if double := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise StepError(f"the data has several columns called {double[0]!r}; each needs a name of its own")
    return frame


def _check_drop(names: list[str], drop: list[str], target: str) -> None:
    from airflow_mlcraft.common.did_you_mean import build_suggestion

    if target in drop:
        raise StepError(f"--drop {target}: that is the column to predict")
    if unknown := [name for name in drop if name not in names]:
        raise StepError(f"--drop: the data has no column {unknown[0]!r}; {build_suggestion(unknown[0], names)}")


def _with_split_note(recipe: Recipe, frame: TableView, split: Split) -> Recipe:
    """The recipe with a note if rows of one group may be in both parts."""
    from airflow_mlcraft.ml.proposal import find_group
    from airflow_mlcraft.ml.split import RANDOM, STRATIFY

    grouping = find_group(frame, recipe.target) if split.by in (RANDOM, STRATIFY) else None
    if grouping is None:
        return recipe
    note = (
        f'{grouping.sentence}; set group = "{grouping.column}", or drop the column if it stands for nothing of the kind'
    )
    return replace(recipe, notes=(*recipe.notes, note))


def _notes(recipe: Recipe) -> list[str]:
    return [
        *recipe.notes,
        *(f"the column {column['name']!r} is left out: it {column['why']}" for column in recipe.dropped),
    ]
