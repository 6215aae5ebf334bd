"""The verbs `list`, `rename`, `copy` and `delete` for projects."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find_project
from airflow_mlcraft.cli.printing import (
    can_ask,
    error_console,
    escape,
    format_score,
    format_time,
    new_table,
    print_json,
    print_lines,
    print_next_step,
    print_table,
    spinner,
)
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import find_projects


def list_projects(projects: Folder = None, as_json: AsJson = False) -> None:
    """List the projects: type, last run, champion and its score, and where the server answers."""
    from airflow_mlcraft.project.list_projects import list_overviews

    projects_folder = find_projects(projects)
    overviews = list_overviews(projects_folder)
    if as_json:
        print_json([one.to_json() for one in overviews])
        return
    if not overviews:
        print_lines(f"There is no project in {escape(projects_folder.root)}.")
        print_next_step("mlcraft init NAME -p classification", "makes one.")
        return
    rows = new_table("project", "type", "last run", "champion", "score", "server", numbers=["score"])
    for one in overviews:
        champion = one.champion
        last_run = f"{format_time(one.last_run)} {one.last_state}" if one.last_run else "[dim]never[/]"
        rows.add_row(
            f"[bold]{one.name}[/]",
            one.prediction or f"[red]{escape(one.fault)}[/]",
            last_run,
            escape(champion.model) if champion else "[dim]none[/]",
            f"{champion.metric} {format_score(champion.score)}" if champion else "",
            one.server or "[dim]stopped[/]",
        )
    print_table(rows)


NewName = Annotated[str, typer.Argument(metavar="NEW", help="The name that it is to have.", show_default=False)]


def rename(name: Name, new: NewName, projects: Folder = None, as_json: AsJson = False) -> None:
    """Give a project another name: its folder and documents, its runs and its model in MLflow."""
    from airflow_mlcraft.project.rename import rename_project

    with spinner(f"Renaming {name} …", as_json):
        sentences = rename_project(find_project(name, projects), new)
    if as_json:
        print_json({"project": new, "done": sentences})
        return
    for line in sentences:
        print_lines(f"[green]✓[/] {escape(line)}")
    print_next_step("mlcraft list", "lists the projects.")


def copy(name: Name, new: NewName, projects: Folder = None, as_json: AsJson = False) -> None:
    """Make a project with the same code, settings and keys. Its runs, models and data begin anew."""
    from airflow_mlcraft.project.copy_project import copy_project

    with spinner(f"Copying {name} …", as_json):
        new_project = copy_project(find_project(name, projects), new)
    if as_json:
        print_json({"project": new_project.name, "folder": str(new_project.folder), "copy_of": name})
        return
    print_lines(
        f"[green]✓[/] {escape(new_project.name)} is in [bold]{escape(new_project.folder)}[/], "
        f"with the code and settings of {name}"
    )
    print_next_step(f"mlcraft config {new} --metric METRIC", "changes it;")
    print_next_step(f"mlcraft train {new}", "trains its models.")


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Delete a project's folder, after stopping its server. What is elsewhere stays, and is named."""
    from airflow_mlcraft.project.delete import delete_project, list_remaining

    project = find_project(name, projects)
    remaining = list_remaining(project)
    if not yes:
        if not can_ask():
            raise ProjectError(f"{name} is only deleted when you say so", f"mlcraft delete {name} --yes")
        from rich.prompt import Confirm

        for line in remaining:
            error_console().print(f"[dim]Stays:[/] {escape(line)}")
        if not Confirm.ask(f"Delete [bold]{escape(project.folder)}[/] with all its data?", console=error_console()):
            print_lines("Nothing was deleted.")
            raise typer.Exit(1)
    with spinner(f"Deleting {name} …", as_json):
        delete_project(project)
    if as_json:
        print_json({"deleted": str(project.folder), "kept": remaining})
        return
    print_lines(f"[green]✓[/] {escape(project.folder)} is gone")
    for line in remaining:
        print_lines(f"[dim]Stays:[/] {escape(line)}")
