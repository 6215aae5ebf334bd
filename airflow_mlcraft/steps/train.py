"""`train`: a training part and a recipe in, one fitted model out."""

from __future__ import annotations

import argparse
from pathlib import Path

from airflow_mlcraft.steps.failed_model import add_tolerate_option, tolerated
from airflow_mlcraft.steps.model_options import add_model_options
from airflow_mlcraft.steps.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_model_options(parser)
    add_tolerate_option(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write model/, metrics.json and record.json."""
    from airflow_mlcraft.steps import model_options
    from airflow_mlcraft.steps.make_model import make_model
    from airflow_mlcraft.steps.record import Record

    work = model_options.read(options, folder)
    record = Record()
    with tolerated(options, work.name, folder, services):
        make_model(work, work.params, folder, services, record)
        record.write(folder)
