"""`train`: fits one model on a training part and its recipe."""

from __future__ import annotations

import argparse
from pathlib import Path

from airflow_mlcraft.steps.failed_model import add_tolerate_option, tolerate_failure
from airflow_mlcraft.steps.model_options import add_model_options
from airflow_mlcraft.steps.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    add_model_options(parser)
    add_tolerate_option(parser)


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write model/, metrics.json and record.json."""
    from airflow_mlcraft.steps import model_options
    from airflow_mlcraft.steps.make_model import make_model
    from airflow_mlcraft.steps.record import Record

    settings = model_options.read_fit_settings(options, folder)
    record = Record()
    with tolerate_failure(options, settings.name, folder, services):
        make_model(settings, settings.params, folder, services, record)
        record.write(folder)
