"""`process`: data in; a training and a test part, and the recipe of their preparation, out."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.steps.split_options import add_split_options, split_of

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Recipe
    from airflow_mlcraft.ml.split import Split
    from airflow_mlcraft.steps.own_process import OwnProcessed


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
    """Write train.parquet, test.parquet, recipe.json and profile.json."""
    from airflow_mlcraft.ml.column_kinds import KindWishes
    from airflow_mlcraft.ml.data.profile import profile_frame
    from airflow_mlcraft.ml.decide import Wishes, decide
    from airflow_mlcraft.ml.row_hash import ROW_HASH
    from airflow_mlcraft.ml.source_rows import hashes_of_source
    from airflow_mlcraft.ml.split import cut
    from airflow_mlcraft.ml.target import check_target
    from airflow_mlcraft.steps.frames import write_frame

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
    frame = inputs.frame(folder, options.data, "data")
    source = _with_names(frame)
    own = _own_process(source, options, params, folder, how)
    frame = source if own is None else _with_names(own.frame)
    hashes, rows = hashes_of_source(source, how.id) if own is None else (own.hashes, own.rows)
    _check_drop(frame, options.drop, options.target)
    check_target(frame, options.target)
    how = _with_rare_classes(how, frame, options, services)
    found = cut(frame, how, hashes)
    train, test = (
        frame.iloc[places].assign(**{ROW_HASH: found.hashes[places]}) for places in (found.train, found.test)
    )
    unused = [*options.drop, ROW_HASH, *([how.id] if how.id else [])]
    recipe = decide(train.drop(columns=unused, errors="ignore"), options.target, how, wishes)
    recipe = replace(recipe, split={**recipe.split, "boundary": found.boundary, "rows": rows})
    if own is not None:
        recipe = own.recipe_with(recipe, train, services.say)
    recipe = _with_split_note(recipe, frame.drop(columns=unused, errors="ignore"), how)
    for line in found.notes:
        services.say(line)
    for line in _notes(recipe):
        services.say(line)
    record = Record()
    for port, part in (("train", train), ("test", test)):
        made = ready(recipe, part)
        write_frame(made, folder / f"{port}.parquet")
        profile = {"rows": len(made), "columns": len(made.columns)}
        record.dataset(port, f"{port}.parquet", "training" if port == "train" else "testing", profile)
    write_json(folder / "recipe.json", recipe.to_json())
    write_json(folder / "profile.json", profile_frame(frame.drop(columns=options.drop)))
    record.param(target=recipe.target, prediction=recipe.task, impute=options.impute, scale=options.scale)
    record.param(**{f"split_{name}": value for name, value in how.to_json().items()})
    record.param(max_categories=options.max_categories)
    record.param(drop=options.drop or None, **{f"process_{name}": value for name, value in params.items()})
    record.metric({"rows_train": len(train), "rows_test": len(test), "features": len(recipe.columns)})
    record.artifact("recipe")
    record.artifact("profile")
    record.write(folder)
    services.say(
        f"{recipe.task} of {recipe.target!r} from {len(recipe.columns)} columns: "
        f"{len(train)} rows for training, {len(test)} for testing ({how.by})"
    )


def ready(recipe: Recipe, part: pd.DataFrame) -> pd.DataFrame:
    """The columns of the recipe in their kinds, the target, what rows are cut by, and their hashes."""
    from airflow_mlcraft.ml.row_hash import ROW_HASH

    made = recipe.typed(part).copy()
    if recipe.group is not None:
        made[recipe.group] = part[recipe.group].astype(str)
    if recipe.time is not None and recipe.time not in made.columns:
        made[recipe.time] = part[recipe.time]
    made[recipe.target] = recipe.truth(part)
    if ROW_HASH in part.columns:
        made[ROW_HASH] = part[ROW_HASH]
    return made


def _own_process(
    source: pd.DataFrame, options: argparse.Namespace, params: dict[str, Any], folder: Path, how: Split
) -> OwnProcessed | None:
    if options.code is None:
        if params:
            raise StepError("--params are for the function in --code; give that too")
        return None
    from airflow_mlcraft.steps.own_process import run_own_process

    path = inputs.file(folder, options.code, "code")
    return run_own_process(source, path, params, target=options.target, column=how.id)


def _with_rare_classes(how: Split, frame: pd.DataFrame, options: argparse.Namespace, services: Services) -> Split:
    """A random split has rows of each class on both sides where one of the classes is rare."""
    from airflow_mlcraft.ml.metrics import CLASSIFICATION
    from airflow_mlcraft.ml.rare_classes import class_counts, rarest
    from airflow_mlcraft.ml.split import RANDOM, STRATIFY
    from airflow_mlcraft.ml.target import task_of

    values = frame[options.target]
    if how.by != RANDOM or (options.prediction or task_of(values)) != CLASSIFICATION:
        return how
    found = rarest(class_counts(values.astype(str)))
    if not found.is_rare:
        return how
    services.say(f"the test part gets rows of each class, as with --stratify, because {found}")
    return replace(how, by=STRATIFY, column=options.target)


def _with_names(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns=str)
    if double := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise StepError(f"the data has several columns called {double[0]!r}; each needs a name of its own")
    return frame


def _check_drop(frame: pd.DataFrame, drop: list[str], target: str) -> None:
    from airflow_mlcraft.nearest import suggestion

    if target in drop:
        raise StepError(f"--drop {target}: that is the column to predict")
    if unknown := [name for name in drop if name not in frame.columns]:
        raise StepError(f"--drop: the data has no column {unknown[0]!r}; {suggestion(unknown[0], frame.columns)}")


def _with_split_note(recipe: Recipe, frame: pd.DataFrame, how: Split) -> Recipe:
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
