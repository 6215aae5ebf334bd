"""Failed models: a folder with the reason takes a model's place, so that a comparison goes on without it."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError, UnknownModelError
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services

FILE = "failed.json"
TAG = "failed"
_OPTION = "tolerate"


def add_tolerate_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--tolerate`."""
    help_text = "end well when the model cannot be made: its folder then says why, and `evaluate` goes on without it"
    parser.add_argument(f"--{_OPTION}", action="store_true", help=help_text)


@contextmanager
def tolerate_failure(
    options: argparse.Namespace, name: str, folder: Path, services: Services, **files: Any
) -> Iterator[None]:
    """With `--tolerate`, write outputs that describe a failure instead of raising it. `files` are further outputs.

    An unknown model is an error all the same: otherwise a misspelt name would silently leave a model out.
    """
    try:
        yield
    except UnknownModelError:
        raise
    except Exception as error:
        if not getattr(options, _OPTION) or getattr(error, "temporary", False):
            raise
        reason = str(error) if isinstance(error, MlcraftError) else f"{type(error).__name__}: {error}"
        _write(name, " ".join(reason.split()), folder, services)
        for file, content in files.items():
            write_json(folder / f"{file}.json", content)


def read_failure(folder: Path) -> tuple[str, str] | None:
    """Name and reason of a failed model; None if the folder is not that of one."""
    try:
        found = json.loads((folder / FILE).read_text("utf-8"))
        return str(found["name"]), str(found["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(name: str, reason: str, folder: Path, services: Services) -> None:
    shutil.rmtree(folder / "model", ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    write_json(folder / "model" / FILE, {"name": name, "reason": reason})
    write_json(folder / "metrics.json", {"cv": {}, "train": {}, "failed": reason})
    record = Record(tags={TAG: reason})
    record.add_params(model=name)
    record.write(folder)
    services.log(f"warning: {name} failed, and the others go on: {reason}")
