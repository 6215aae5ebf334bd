"""`mlcraft delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import aside, can_ask, plain, print_json, say, status
from airflow_mlcraft.errors import ProjectError


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
