"""`mlcraft list`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import (
    aside,
    can_ask,
    next_step,
    number,
    plain,
    print_json,
    say,
    show,
    status,
    table,
    when,
)
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import projects_at


def list_projects(projects: Folder = None, as_json: AsJson = False) -> None:
    """List the projects: type, last run, champion and its score, and where the server answers."""
    from airflow_mlcraft.project.list_projects import overviews

    place = projects_at(projects)
    found = overviews(place)
    if as_json:
        print_json([one.to_json() for one in found])
        return
    if not found:
        say(f"There is no project in {plain(place.root)}.")
        next_step("mlcraft init NAME -p classification", "makes one.")
        return
    rows = table("project", "type", "last run", "champion", "score", "server", numbers=["score"])
    for one in found:
        best = one.champion
        ended = f"{when(one.last_run)} {one.last_state}" if one.last_run else "[dim]never[/]"
        rows.add_row(
            f"[bold]{one.name}[/]",
            one.prediction or f"[red]{plain(one.fault)}[/]",
            ended,
            plain(best.model) if best else "[dim]none[/]",
            f"{best.metric} {number(best.score)}" if best else "",
            one.server or "[dim]stopped[/]",
        )
    show(rows)


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


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Delete a project's folder, after stopping its server. What is elsewhere stays, and is named."""
    from airflow_mlcraft.project.delete import delete as run
    from airflow_mlcraft.project.delete import kept_by

    project = find(name, projects)
    kept = kept_by(project)
    if not yes:
        if not can_ask():
            raise ProjectError(f"{name} is only deleted when you say so", f"mlcraft delete {name} --yes")
        from rich.prompt import Confirm

        for line in kept:
            aside().print(f"[dim]Stays:[/] {plain(line)}")
        if not Confirm.ask(f"Delete [bold]{plain(project.folder)}[/] with all its data?", console=aside()):
            say("Nothing was deleted.")
            raise typer.Exit(1)
    with status(f"Deleting {name} …", as_json):
        run(project)
    if as_json:
        print_json({"deleted": str(project.folder), "kept": kept})
        return
    say(f"[green]✓[/] {plain(project.folder)} is gone")
    for line in kept:
        say(f"[dim]Stays:[/] {plain(line)}")
