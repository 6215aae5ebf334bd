"""The verb `predict`: predictions of the champion for rows of a file or standard input."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find_project
from airflow_mlcraft.cli.printing import print_json
from airflow_mlcraft.errors import ProjectError


def predict(
    name: Name,
    data: Annotated[
        str,
        typer.Argument(
            help="Rows as CSV, JSON, JSON lines or Parquet, from here or from the project; - for standard input.",
            metavar="[FILE]",
        ),
    ] = "-",
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write there, as CSV.")] = None,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Let the champion predict rows, from a file or standard input; prints them with the predictions, as CSV.

    This needs no server. The model does what the server would: it checks the columns, and prepares them.
    """
    from airflow_mlcraft.common.files import write_stream_atomically
    from airflow_mlcraft.project.ml_step import predict_to_csv

    project = find_project(name, projects)
    if data == "-" and sys.stdin.isatty():
        raise ProjectError("no rows were given", f"name a file: mlcraft predict {name} data/test.parquet")
    with predict_to_csv(project, sys.stdin.buffer if data == "-" else Path(data)) as path:
        if as_json:
            with path.open(encoding="utf-8", newline="") as text:
                print_json([{key: _number_or_text(cell) for key, cell in row.items()} for row in csv.DictReader(text)])
        elif out is not None:
            with path.open("rb") as content:
                write_stream_atomically(out.absolute(), content)
        else:
            with path.open(encoding="utf-8", newline="") as text:
                shutil.copyfileobj(text, sys.stdout)


def _number_or_text(text: str) -> str | float | int | None:
    """Convert a CSV cell to a JSON value."""
    if text == "":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
