"""The options that say how data is cut into a training and a test part; `split` and `process` share them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StepError

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
