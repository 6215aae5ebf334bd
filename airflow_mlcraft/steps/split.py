"""`split`: splits data into a training and a test part; and the options of splitting, which `process` shares."""

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
    """Add the options of splitting."""
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


def parse_split(options: argparse.Namespace) -> Split:
    """The split that the options describe."""
    from airflow_mlcraft.ml.split import GROUP, RANDOM, STRATIFY, TIME, Split

    chosen = [name for name in (STRATIFY, GROUP, TIME) if getattr(options, name)]
    if len(chosen) > 1:
        raise StepError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other; give one of them")
    by = chosen[0] if chosen else RANDOM
    column = {STRATIFY: options.target, GROUP: options.group, TIME: options.time}.get(by)
    if by == STRATIFY and not column:
        raise StepError("--stratify needs --target, the column whose classes are to be shared")
    check_seed(options.seed)
    return Split(by, column, options.test_size, options.seed, options.id)


def check_seed(seed: int) -> None:
    """Raise an error for a seed that numpy does not accept."""
    if not 0 <= seed < 2**32:
        raise StepError(f"--seed is {seed}; expected a whole number from 0 to {2**32 - 1}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--data", required=True, metavar="FILE", help="the data")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict; for --stratify")
    add_split_options(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write train.parquet and test.parquet.

    Rows are processed in batches; only their hashes and the columns by which they are split are held in memory.
    """
    import numpy as np
    import pandas as pd

    from airflow_mlcraft.ml.data.table_on_disk import TableOnDisk, write_ordered
    from airflow_mlcraft.ml.row_hash import row_hashes
    from airflow_mlcraft.ml.split import check_columns, split_columns, split_rows

    split = parse_split(options)
    hashes = []
    with TemporaryDirectory(dir=folder, prefix=".split-") as name:
        table = TableOnDisk(Path(name))
        for frame in inputs.batches(folder, options.data, "data"):
            check_columns(list(frame.columns), split)
            if split.id is None:
                hashes.append(row_hashes(frame))
            table.add(frame)
        split_values = pd.DataFrame({column: table[column] for column in split_columns(split)}, index=range(len(table)))
        parts = split_rows(split_values, split, np.concatenate(hashes) if hashes else None)
        sizes = write_ordered(table, {"train": parts.train, "test": parts.test}, folder, Path(name))
    for line in parts.notes:
        services.log(line)
    record = Record()
    record.add_params(**{f"split_{name}": value for name, value in split.to_json().items()}, target=options.target)
    record.add_metrics({"rows_train": len(parts.train), "rows_test": len(parts.test)})
    for port, (rows, width) in sizes.items():
        context = "training" if port == "train" else "testing"
        record.add_dataset(port, f"{port}.parquet", context, {"rows": rows, "columns": width})
    record.write(folder)
    services.log(f"{len(table)} rows: {len(parts.train)} for training, {len(parts.test)} for testing ({split.by})")
