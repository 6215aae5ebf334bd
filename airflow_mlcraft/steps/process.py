"""`process`: data in; a training and a test part, and the recipe of their preparation, out."""

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
from airflow_mlcraft.steps.split import add_split_options, split_of

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.choose_recipe import Wishes
    from airflow_mlcraft.ml.data.table_on_disk import Pieces, TableView, WholeTable
    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.ml.split import Cut, Split
    from airflow_mlcraft.steps.user_process import OwnProcessed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
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

    Rows pass through in batches, and are decided about column by column. The user's own code gets the whole table.
    """
    from airflow_mlcraft.ml.choose_recipe import Wishes
    from airflow_mlcraft.ml.column_kinds import KindWishes
    from airflow_mlcraft.ml.data.profile import profile_frame
    from airflow_mlcraft.ml.data.table_on_disk import TableView

    how = split_of(options)
    columns = inputs.json_object(folder, options.impute, "impute") if options.impute.lstrip().startswith("{") else {}
    impute = "median" if columns else options.impute
    wishes = Wishes(
        options.prediction,
        options.positive,
        impute,
        options.scale,
        options.max_categories,
        KindWishes(
            inputs.json_object(folder, options.types, "types"), inputs.json_object(folder, options.dates, "dates")
        ),
        columns,
    )
    params = inputs.json_object(folder, options.params, "params")
    with TemporaryDirectory(dir=folder, prefix=".process-") as name:
        given = _given(options, params, folder, how, Path(name))
        recipe, found, how = _decided(given, how, wishes, options, services)
        sizes = _write_parts(recipe, given.table, found, folder, Path(name))
        shown = [name for name in given.table.columns if name not in options.drop]
        write_json(folder / "profile.json", profile_frame(TableView(given.table, shown)))
    write_json(folder / "recipe.json", recipe.to_json())
    record = Record()
    for port, (rows, width) in sizes.items():
        context = "training" if port == "train" else "testing"
        record.dataset(port, f"{port}.parquet", context, {"rows": rows, "columns": width})
    record.param(target=recipe.target, prediction=recipe.task, impute=options.impute, scale=options.scale)
    record.param(**{f"split_{name}": value for name, value in how.to_json().items()})
    record.param(max_categories=options.max_categories)
    record.param(drop=options.drop or None, **{f"process_{name}": value for name, value in params.items()})
    record.metric({"rows_train": len(found.train), "rows_test": len(found.test), "features": len(recipe.columns)})
    record.artifact("recipe")
    record.artifact("profile")
    record.write(folder)
    services.say(
        f"{recipe.task} of {recipe.target!r} from {len(recipe.columns)} columns: "
        f"{len(found.train)} rows for training, {len(found.test)} for testing ({how.by})"
    )


@dataclass(frozen=True)
class _Given:
    """The rows to split, their hashes, and what these are of. `names` has all columns, also those that are left out."""

    table: Pieces | WholeTable
    names: list[str]
    hashes: Any
    rows: dict[str, Any]
    own: OwnProcessed | None = None


def _given(options: argparse.Namespace, params: dict[str, Any], folder: Path, how: Split, place: Path) -> _Given:
    from airflow_mlcraft.ml.data.table_on_disk import Pieces, WholeTable
    from airflow_mlcraft.ml.row_hash import hashes_of_source
    from airflow_mlcraft.ml.split import needed_columns

    if options.code is not None:
        own = _own_process(_checked_names(inputs.frame(folder, options.data, "data")), options, params, folder, how)
        frame = _checked_names(own.frame)
        return _Given(WholeTable(frame), list(frame.columns), own.hashes, own.rows, own)
    if params:
        raise StepError("--params are for the function in --code; give that too")
    table, hashes, names = Pieces(place), list[Any](), list[str]()
    rows: dict[str, Any] = {}
    unread = set(options.drop) - set(needed_columns(how)) - {options.target}
    for frame in inputs.batches(folder, options.data, "data"):
        names = list(_checked_names(frame).columns)
        made, rows_of_batch = hashes_of_source(frame, how.id)
        rows = rows or rows_of_batch
        if rows != rows_of_batch:
            # A later batch lacks an id, and so rows are told apart by all columns.
            earlier = (hashes_of_source(one, None) for one in inputs.batches(folder, options.data, "data"))
            hashes, how = [found[0] for found in islice(earlier, len(hashes))], replace(how, id=None)
            made, rows = hashes_of_source(frame, None)
        hashes.append(made)
        table.add(frame[[name for name in names if name not in unread]])
    return _Given(table, names, np.concatenate(hashes), rows)


def _decided(
    given: _Given, how: Split, wishes: Wishes, options: argparse.Namespace, services: Services
) -> tuple[Recipe, Cut, Split]:
    """The recipe, the side of each row, and how that was decided."""
    import pandas as pd

    from airflow_mlcraft.ml.choose_recipe import decide
    from airflow_mlcraft.ml.data.table_on_disk import TableView
    from airflow_mlcraft.ml.row_hash import ROW_HASH
    from airflow_mlcraft.ml.split import cut, needed_columns
    from airflow_mlcraft.ml.target import check_target

    table = given.table
    _check_drop(given.names, options.drop, options.target)
    check_target(table, options.target)
    how = _with_rare_classes(how, table[options.target], options, services)
    decisive = {name: table[name] for name in needed_columns(how) if name in table.columns}
    found = cut(pd.DataFrame(decisive, index=range(len(table))), how, given.hashes)
    unused = [*options.drop, ROW_HASH, *([how.id] if how.id else [])]
    read = [name for name in table.columns if name not in unused]
    recipe = decide(TableView(table, read, found.train), options.target, how, wishes)
    recipe = replace(recipe, split={**recipe.split, "boundary": found.boundary, "rows": given.rows})
    if given.own is not None:
        recipe = given.own.recipe_with(recipe, found.train, services.say)
    recipe = _with_split_note(recipe, TableView(table, read), how)
    for line in found.notes:
        services.say(line)
    for line in _notes(recipe):
        services.say(line)
    return recipe, found, how


def _write_parts(
    recipe: Recipe, table: Pieces | WholeTable, found: Cut, folder: Path, place: Path
) -> dict[str, tuple[int, int]]:
    """Write both parts, and give the rows and columns of each."""
    from airflow_mlcraft.ml.data.table_on_disk import write_ordered

    orders = {"train": found.train, "test": found.test}
    truth = _truth(recipe, table[recipe.target], list(orders.values()))

    def prepare(rows: pd.DataFrame, at: Any) -> pd.DataFrame:
        return ready(recipe, rows, truth[at], found.hashes[at])

    return write_ordered(table, orders, folder, place, prepare)


def _truth(recipe: Recipe, values: pd.Series, orders: Sequence[Any]) -> Any:
    """The target of each row. It is made of a part as a whole: whether labels are numbers is seen from all of them."""
    each = [recipe.truth(values.iloc[order].to_frame()) for order in orders]
    made = np.empty(len(values), dtype=each[0].dtype)
    for order, part in zip(orders, each, strict=True):
        made[order] = part
    return made


def ready(recipe: Recipe, rows: pd.DataFrame, truth: Any, hashes: Any) -> pd.DataFrame:
    """The columns of the recipe in their kinds, the target, what rows are cut by, and their hashes."""
    from airflow_mlcraft.ml.row_hash import ROW_HASH

    made = recipe.typed(rows).copy()
    if recipe.group is not None:
        made[recipe.group] = rows[recipe.group].astype(str)
    if recipe.time is not None and recipe.time not in made.columns:
        made[recipe.time] = rows[recipe.time]
    made[recipe.target] = truth
    made[ROW_HASH] = hashes
    return made


def _own_process(
    source: pd.DataFrame, options: argparse.Namespace, params: dict[str, Any], folder: Path, how: Split
) -> OwnProcessed:
    from airflow_mlcraft.steps.user_process import run_own_process

    path = inputs.file(folder, options.code, "code")
    return run_own_process(source, path, params, target=options.target, column=how.id)


def _with_rare_classes(how: Split, values: pd.Series, options: argparse.Namespace, services: Services) -> Split:
    """A random split has rows of each class on both sides where one of the classes is rare."""
    from airflow_mlcraft.ml.class_balance import class_counts, rarest
    from airflow_mlcraft.ml.metrics import CLASSIFICATION
    from airflow_mlcraft.ml.split import RANDOM, STRATIFY
    from airflow_mlcraft.ml.target import task_of

    if how.by != RANDOM or (options.prediction or task_of(values)) != CLASSIFICATION:
        return how
    found = rarest(class_counts(values.astype(str)))
    if not found.is_rare:
        return how
    services.say(f"the test part gets rows of each class, as with --stratify, because {found}")
    return replace(how, by=STRATIFY, column=options.target)


def _checked_names(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns=str)
    if double := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise StepError(f"the data has several columns called {double[0]!r}; each needs a name of its own")
    return frame


def _check_drop(names: list[str], drop: list[str], target: str) -> None:
    from airflow_mlcraft.common.did_you_mean import suggestion

    if target in drop:
        raise StepError(f"--drop {target}: that is the column to predict")
    if unknown := [name for name in drop if name not in names]:
        raise StepError(f"--drop: the data has no column {unknown[0]!r}; {suggestion(unknown[0], names)}")


def _with_split_note(recipe: Recipe, frame: TableView, how: Split) -> Recipe:
    """The recipe with a note where rows of one person or thing may be on both sides of the split."""
    from airflow_mlcraft.ml.proposal import find_group
    from airflow_mlcraft.ml.split import RANDOM, STRATIFY

    found = find_group(frame, recipe.target) if how.by in (RANDOM, STRATIFY) else None
    if found is None:
        return recipe
    note = f'{found.sentence}; set group = "{found.column}", or drop the column if it stands for nothing of the kind'
    return replace(recipe, notes=(*recipe.notes, note))


def _notes(recipe: Recipe) -> list[str]:
    return [*recipe.notes, *(f"the column {one['name']!r} is left out: it {one['why']}" for one in recipe.dropped)]
