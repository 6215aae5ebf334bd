"""The command `mlcraft-step`: runs one kind of step. Only the module of that kind is loaded."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn, Protocol, cast

from airflow_mlcraft.common.extras import find_missing_extra
from airflow_mlcraft.common.python_environments import STATE
from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.steps.permissions import Permissions, apply_permissions
from airflow_mlcraft.steps.services import Services

FAILED = 1
TEMPORARY = 75

KINDS = {
    "retrieve": "fetch data from the web, a bucket, a database, a file or scikit-learn",
    "split": "cut data into a training and a test part",
    "process": "clean and split data, and decide how columns are prepared",
    "train": "fit one model, with cross-validation",
    "tune": "search the best parameters of one model, and fit it",
    "evaluate": "compare models on the test part, crown the best, and report",
    "predict": "apply a model to a file",
    "approve": "pass a model on; under Airflow, once somebody has agreed",
    "serve": "roll a model out to a server",
    "own-models": "name the estimators of a Python file",
}


class _Kind(Protocol):
    """The functions in the module of a kind of step."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, options: argparse.Namespace, folder: Path, services: Services) -> None: ...


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises wrong options as `StepError`."""

    def error(self, message: str) -> NoReturn:
        raise StepError(f"{message}; `{self.prog} --help` lists the options")


def main() -> NoReturn:
    """Run the command in the folder where it was called."""
    state = os.environ.get(STATE)
    services = Services(state=Path(state) if state else None, permissions=Permissions.from_environment())
    sys.exit(run(sys.argv[1:], folder=Path.cwd(), services=services))


def run(arguments: list[str], *, folder: Path, services: Services | None = None) -> int:
    """Run a step, write its outputs into `folder`, to which paths of inputs are relative, and return the exit code.

    The exit code is 75 for errors that another try may fix, and 1 for others.
    """
    services = services or Services()
    try:
        if not arguments or arguments[0] in ("-h", "--help"):
            sys.stdout.write(_format_overview())
            return 0
        kind = _load_kind(arguments[0])
        parser = _Parser(prog=f"mlcraft-step {arguments[0]}", description=f"{KINDS[arguments[0]].capitalize()}.")
        kind.add_arguments(parser)
        options = parser.parse_args(arguments[1:])
        with apply_permissions(services.permissions):
            kind.run(options, folder, services)
    except MlcraftError as error:
        services.log(f"mlcraft-step: {error}")
        return TEMPORARY if getattr(error, "temporary", False) else FAILED
    except ModuleNotFoundError as error:
        missing = find_missing_extra(error)
        if missing is None:
            raise
        services.log(f"mlcraft-step: {missing}")
        return FAILED
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _load_kind(name: str) -> _Kind:
    if name not in KINDS:
        raise StepError(f"there is no step {name!r}; expected one of {', '.join(KINDS)}")
    return cast(_Kind, import_module(f"airflow_mlcraft.steps.{name.replace('-', '_')}"))


def _format_overview() -> str:
    lines = ["usage: mlcraft-step KIND [options]", "", "kinds:"]
    lines += [f"  {name:<12}{description}" for name, description in KINDS.items()]
    return "\n".join([*lines, "", "`mlcraft-step KIND --help` lists the options of one.", ""])


if __name__ == "__main__":
    main()
