"""`mlcraft doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import plain, print_json, say
from airflow_mlcraft.project.project_paths import projects_at

_MARKS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "wrong": "[red]✗[/]"}


def doctor(projects: Folder = None, as_json: AsJson = False) -> None:
    """Look at this machine and at all projects: what is wrong, and how to mend it. Exit code 1 when something is."""
    from airflow_mlcraft.project.doctor import WRONG, examine

    found = []
    for finding in examine(projects_at(projects)):
        found.append(finding)
        if not as_json:
            say(f"{_MARKS[finding.state]} [bold]{plain(finding.what)}[/]  {plain(finding.found)}")
            if finding.remedy:
                say(f"    [dim]→[/] {plain(finding.remedy)}")
    if as_json:
        print_json([asdict(finding) for finding in found])
    if any(finding.state == WRONG for finding in found):
        raise typer.Exit(1)
