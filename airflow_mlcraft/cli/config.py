"""`mlcraft config`."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import aside, next_step, plain, print_json, say, show, status, table
from airflow_mlcraft.project.places import Project


def config(  # noqa: PLR0917
    name: Name,
    title: Annotated[
        str, typer.Option("-t", "--title", help="What people call the project; renames it everywhere.")
    ] = "",
    prediction: Annotated[
        str, typer.Option("-p", "--prediction", metavar="TYPE", help="classification or regression; swaps model.py.")
    ] = "",
    dependencies: Annotated[
        list[str] | None,
        typer.Option("-d", "--dependency", metavar="DEP…", help="A Python package the project needs; installs it."),
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", metavar="URL…", help="A further data source.")
    ] = None,
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")] = "",
    key: Annotated[
        str,
        typer.Option("--key", metavar="NAME", help="Ask for an API key, or read it from standard input, into .env."),
    ] = "",
    metric: Annotated[str, typer.Option("--metric", metavar="M", help="What makes a model the champion.")] = "",
    dagshub: Annotated[
        str, typer.Option("--dagshub", metavar="OWNER/REPO", help="Track runs and push data there.")
    ] = "",
    remote: Annotated[str, typer.Option("--remote", metavar="URL", help="Where DVC pushes data to.")] = "",
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Change a project; without options, show what it is.

    All is changed or nothing is. A key is never taken from the command line, where others could read it.
    """
    from airflow_mlcraft.project.configure import Changes, check, configure

    project = find(name, projects)
    changes = Changes(
        title=title,
        prediction=prediction,
        target=target,
        metric=metric,
        dependencies=dependencies or (),
        sources=sources or (),
        key=key,
        dagshub=dagshub,
        remote=remote,
    )
    if not changes.any:
        _show(project, as_json)
        return
    check(project, changes)
    if key:
        changes = replace(changes, key_value=_secret(key))
    with status(f"Changing {name} …", as_json) as doing:
        done = configure(project, changes, doing)
    if as_json:
        print_json({"project": name, "done": done})
        return
    for line in done:
        say(f"[green]✓[/] {plain(line)}")
    if not done:
        say("Nothing had to be changed.")
    next_step(f"mlcraft train {name}", "trains with it.")


def _secret(name: str) -> str:
    """From the terminal, where it is not shown, or from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from rich.prompt import Prompt

    return Prompt.ask(f"Value of {plain(name)}", password=True, console=aside()).strip()


def _show(project: Project, as_json: bool) -> None:
    from airflow_mlcraft.project import secrets
    from airflow_mlcraft.project.manifest import read
    from airflow_mlcraft.project.repository import remote_of

    found = {**asdict(read(project)), "keys": sorted(secrets.read(project)), "remote": remote_of(project.folder)}
    if as_json:
        print_json({"project": project.name, "folder": str(project.folder), **found})
        return
    rows = table("", "")
    rows.show_header = False
    for name, value in {"folder": project.folder, **found}.items():
        if value not in (None, "", (), [], {}):
            rows.add_row(f"[dim]{name}[/]", plain(", ".join(value) if isinstance(value, (tuple, list)) else value))
    show(rows)
