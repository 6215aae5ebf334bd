"""`split`: data in, a training and a test part out."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    """Write train.parquet and test.parquet."""
    from airflow_mlcraft.ml.split import cut
    from airflow_mlcraft.steps.frames import short_profile, write_frame

    how = split_of(options)
    frame = inputs.frame(folder, options.data, "data")
    found = cut(frame, how)
    train, test = frame.iloc[found.train], frame.iloc[found.test]
    for line in found.notes:
        services.say(line)
    record = Record()
    record.param(**{f"split_{name}": value for name, value in how.to_json().items()}, target=options.target)
    record.metric({"rows_train": len(train), "rows_test": len(test)})
    for port, part in (("train", train), ("test", test)):
        write_frame(part, folder / f"{port}.parquet")
        context = "training" if port == "train" else "testing"
        record.dataset(port, f"{port}.parquet", context, short_profile(part))
    record.write(folder)
    services.say(f"{len(frame)} rows: {len(train)} for training, {len(test)} for testing ({how.by})")
