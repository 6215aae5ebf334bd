"""The options that say how data is cut into a training and a test part; `split` and `process` share them."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record
from airflow_mlcraft.steps.services import Services

if TYPE_CHECKING:
    from airflow_mlcraft.ml.split import Split


def add_split_options(parser: argparse.ArgumentParser) -> None:
    """How to cut."""
    parser.add_argument(
        "--test-size", type=float, default=0.2, help="share of the rows for testing, or a number of rows (0.2)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    parser.add_argument(
        "--id",
        metavar="COLUMN",
        help="the column that tells rows apart: a row with the same id stays on its side whatever else changes in it "
        "(by default all columns do)",
    )
    parser.add_argument("--stratify", action="store_true", help="give the test part rows of each class")
    parser.add_argument("--group", metavar="COLUMN", help="keep rows with the same value of this column together")
    parser.add_argument("--time", metavar="COLUMN", help="test on the latest rows by this column")


def split_of(options: argparse.Namespace) -> Split:
    """What the options ask for."""
    from airflow_mlcraft.ml.split import GROUP, RANDOM, STRATIFY, TIME, Split

    given = [name for name in (STRATIFY, GROUP, TIME) if getattr(options, name)]
    if len(given) > 1:
        raise StepError(f"{' and '.join(f'--{name}' for name in given)} exclude each other; give one of them")
    by = given[0] if given else RANDOM
    column = {STRATIFY: options.target, GROUP: options.group, TIME: options.time}.get(by)
    if by == STRATIFY and not column:
        raise StepError("--stratify needs --target, the column whose classes are to be shared")
    check_seed(options.seed)
    return Split(by, column, options.test_size, options.seed, options.id)


def check_seed(seed: int) -> None:
    """numpy's seeds."""
    if not 0 <= seed < 2**32:
        raise StepError(f"--seed is {seed}; expected a whole number from 0 to {2**32 - 1}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--data", required=True, metavar="FILE", help="the data")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict; for --stratify")
    add_split_options(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write train.parquet and test.parquet.

    The rows pass through in batches. In memory are their hashes, and the column by which they are split.
    """
    import numpy as np
    import pandas as pd

    from airflow_mlcraft.ml.data.table_on_disk import Pieces, write_ordered
    from airflow_mlcraft.ml.row_hash import row_hashes
    from airflow_mlcraft.ml.split import check_columns, cut, needed_columns

    how = split_of(options)
    hashes = []
    with TemporaryDirectory(dir=folder, prefix=".split-") as name:
        table = Pieces(Path(name))
        for frame in inputs.batches(folder, options.data, "data"):
            check_columns(list(frame.columns), how)
            if how.id is None:
                hashes.append(row_hashes(frame))
            table.add(frame)
        needed = pd.DataFrame({column: table[column] for column in needed_columns(how)}, index=range(len(table)))
        found = cut(needed, how, np.concatenate(hashes) if hashes else None)
        sizes = write_ordered(table, {"train": found.train, "test": found.test}, folder, Path(name))
    for line in found.notes:
        services.say(line)
    record = Record()
    record.param(**{f"split_{name}": value for name, value in how.to_json().items()}, target=options.target)
    record.metric({"rows_train": len(found.train), "rows_test": len(found.test)})
    for port, (rows, width) in sizes.items():
        context = "training" if port == "train" else "testing"
        record.dataset(port, f"{port}.parquet", context, {"rows": rows, "columns": width})
    record.write(folder)
    services.say(f"{len(table)} rows: {len(found.train)} for training, {len(found.test)} for testing ({how.by})")
