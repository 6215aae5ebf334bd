"""`approve`: passes a model on. Under Airflow, the operator waits for a person's decision before it runs this step."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import Record
from airflow_mlcraft.steps.services import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--model", required=True, metavar="FOLDER", help="the model in question")
    parser.add_argument("--report", metavar="FILE", help="what the decision can be based on, in Markdown")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Copy the model into model/."""
    shutil.copytree(inputs.model_folder(folder, options.model, "model"), folder / "model")
    Record().write(folder)
    services.log("a model was passed on")
