"""`mlcraft predict`."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
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
    from airflow_mlcraft.project.predict import predict as run
    from airflow_mlcraft.project.writing import write_text

    project = find(name, projects)
    if data == "-" and sys.stdin.isatty():
        raise ProjectError("no rows were given", f"name a file: mlcraft predict {name} data/test.parquet")
    text = run(project, sys.stdin.buffer.read() if data == "-" else Path(data))
    if as_json:
        print_json([{key: _plain(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))])
    elif out is not None:
        write_text(out.absolute(), text)
    else:
        typer.echo(text, nl=False)


def _plain(text: str) -> str | float | int | None:
    """A cell of CSV as JSON would have it."""
    if text == "":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
