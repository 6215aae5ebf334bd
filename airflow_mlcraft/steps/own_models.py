"""`own-models`: lists the names of the estimators in a Python file."""

from __future__ import annotations

import argparse
from pathlib import Path

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.record import write_json
from airflow_mlcraft.steps.services import Services

FILE = "own_models.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    parser.add_argument("--code", required=True, metavar="FILE", help="a file with `estimators()` or `model(**params)`")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write own_models.json."""
    from airflow_mlcraft.ml import user_code
    from airflow_mlcraft.ml.estimators import user_estimators

    path = inputs.file(folder, options.code, "code")
    names = list(user_estimators(user_code.load(path), path)) or ["model"]
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise StepError(f"{path.name}: estimators() has the name {wrong[0]!r}; expected a text")
    write_json(folder / FILE, names)
    services.log(f"{path.name} has {', '.join(names)}")
