"""`mlcraft rename` and `mlcraft copy`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import next_step, plain, print_json, say, status

NewName = Annotated[str, typer.Argument(metavar="NEW", help="The name that it is to have.", show_default=False)]


def rename(name: Name, new: NewName, projects: Folder = None, as_json: AsJson = False) -> None:
    """Give a project another name: its folder and documents, its runs and its model in MLflow."""
    from airflow_mlcraft.project.rename import rename as run

    with status(f"Renaming {name} …", as_json):
        done = run(find(name, projects), new)
    if as_json:
        print_json({"project": new, "done": done})
        return
    for line in done:
        say(f"[green]✓[/] {plain(line)}")
    next_step("mlcraft list", "lists the projects.")


def copy(name: Name, new: NewName, projects: Folder = None, as_json: AsJson = False) -> None:
    """Make a project with the same code, settings and keys. Its runs, models and data begin anew."""
    from airflow_mlcraft.project.copy_project import copy as run

    with status(f"Copying {name} …", as_json):
        made = run(find(name, projects), new)
    if as_json:
        print_json({"project": made.name, "folder": str(made.folder), "copy_of": name})
        return
    say(f"[green]✓[/] {plain(made.name)} is in [bold]{plain(made.folder)}[/], with the code and settings of {name}")
    next_step(f"mlcraft config {new} --metric METRIC", "changes it;")
    next_step(f"mlcraft train {new}", "trains its models.")
