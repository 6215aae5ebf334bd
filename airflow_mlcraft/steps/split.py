"""`split`: data in, a training and a test part out."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.steps.split_options import add_split_options, split_of


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

    from airflow_mlcraft.ml.data.pieces import Pieces, write_ordered
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
