"""The verb `doctor`: checks of the machine and the projects."""

from __future__ import annotations

from dataclasses import asdict

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import escape, print_json, print_lines
from airflow_mlcraft.project.project_paths import find_projects

_MARKS = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "wrong": "[red]✗[/]"}


def doctor(projects: Folder = None, as_json: AsJson = False) -> None:
    """Look at this machine and at all projects: what is wrong, and how to mend it. Exit code 1 when something is."""
    from airflow_mlcraft.project.doctor import WRONG, examine_setup

    findings = []
    for finding in examine_setup(find_projects(projects)):
        findings.append(finding)
        if not as_json:
            print_lines(f"{_MARKS[finding.state]} [bold]{escape(finding.what)}[/]  {escape(finding.found)}")
            if finding.remedy:
                print_lines(f"    [dim]→[/] {escape(finding.remedy)}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state == WRONG for finding in findings):
        raise typer.Exit(1)
