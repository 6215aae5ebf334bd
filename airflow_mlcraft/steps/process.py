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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--data", required=True, metavar="FILE", help="the data")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--prediction", help="classification or regression; by default what the target looks like")
    parser.add_argument("--positive", metavar="LABEL", help="of two classes the one to find; the second by default")
    parser.add_argument("--code", metavar="FILE", help="a Python file with `process(frame, **params)`")
    parser.add_argument("--params", metavar="JSON", help="params for it")
    parser.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    parser.add_argument(
        "--impute",
        default="median",
        help='for missing numbers: median (default), mean, most_frequent, zero; or JSON with columns: {"age": "mean"}',
    )
    parser.add_argument("--scale", default="standard", help="for numbers: standard (default), minmax, robust, none")
    add_split_options(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write train.parquet, test.parquet, recipe.json and profile.json."""
    from airflow_mlcraft.ml.data.profile import profile_frame
    from airflow_mlcraft.ml.decide import Wishes, decide
    from airflow_mlcraft.ml.split import split
    from airflow_mlcraft.ml.target import check_target
    from airflow_mlcraft.steps.frames import write_frame

    how = split_of(options)
    columns = inputs.json_object(folder, options.impute, "impute") if options.impute.lstrip().startswith("{") else {}
    impute = "median" if columns else options.impute
    wishes = Wishes(options.prediction, options.positive, impute, options.scale, columns)
    params = inputs.json_object(folder, options.params, "params")
    frame = inputs.frame(folder, options.data, "data")
    frame = _without(_processed(frame, options.code, params, folder), options.drop, options.target)
    check_target(frame, options.target)
    train, test = split(frame, how)
    recipe = _with_split_note(decide(train, options.target, how, wishes), frame, how)
    for line in _notes(recipe):
        services.say(line)
    record = Record()
    for port, part in (("train", train), ("test", test)):
        made = ready(recipe, part)
        write_frame(made, folder / f"{port}.parquet")
        profile = {"rows": len(made), "columns": len(made.columns)}
        record.dataset(port, f"{port}.parquet", "training" if port == "train" else "testing", profile)
    write_json(folder / "recipe.json", recipe.to_json())
    write_json(folder / "profile.json", profile_frame(frame))
    record.param(target=recipe.target, prediction=recipe.task, impute=options.impute, scale=options.scale)
    record.param(**{f"split_{name}": value for name, value in how.to_json().items()})
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
    """The columns of the recipe in their kinds, the target, and the groups that stay together."""
    made = recipe.typed(part).copy()
    if recipe.group is not None:
        made[recipe.group] = part[recipe.group].astype(str)
    made[recipe.target] = recipe.truth(part)
    return made


def _processed(frame: pd.DataFrame, code: str | None, params: dict[str, Any], folder: Path) -> pd.DataFrame:
    if code is None:
        if params:
            raise StepError("--params are for the function in --code; give that too")
        return frame
    import pandas as pd

    from airflow_mlcraft.ml import user_code

    path = inputs.file(folder, code, "code")
    process = user_code.needed(user_code.load(path), "process", "def process(frame, **params)")
    with user_code.told(path):
        made = process(frame, **params)
    if not isinstance(made, pd.DataFrame):
        raise StepError(f"{path.name}: process() gives a {type(made).__name__}; expected a data frame")
    if made.empty:
        raise StepError(f"{path.name}: process() gives a frame without {'rows' if len(made.columns) else 'columns'}")
    return made.reset_index(drop=True)


def _without(frame: pd.DataFrame, drop: list[str], target: str) -> pd.DataFrame:
    from airflow_mlcraft.ml.nearest import suggestion

    frame = frame.rename(columns=str)
    if double := sorted(set(frame.columns[frame.columns.duplicated()])):
        raise StepError(f"the data has several columns called {double[0]!r}; each needs a name of its own")
    if target in drop:
        raise StepError(f"--drop {target}: that is the column to predict")
    if unknown := [name for name in drop if name not in frame.columns]:
        raise StepError(f"--drop: the data has no column {unknown[0]!r}; {suggestion(unknown[0], frame.columns)}")
    return frame.drop(columns=drop)


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
