"""`mlcraft ui`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import aside, plain, print_json, say
from airflow_mlcraft.project.project_paths import projects_at

if TYPE_CHECKING:
    from airflow_mlcraft.project.server.web_ui import Addresses


def ui(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Airflow's; a free one from 8080 else.")] = 0,
    mlflow_port: Annotated[
        int, typer.Option("--mlflow-port", min=0, max=65535, help="MLflow's; a free one from 5000 else.")
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser", "-b", help="Open it in the browser.")] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Start Airflow's web UI and MLflow's for the projects, until Ctrl-C.

    Each project's workflow is a DAG there, with the workflow builder and the tab CWL; the shipped workflows are beside
    them. Only this machine sees it. What it keeps is in the folder of projects, in .mlcraft/ui.
    """
    from airflow_mlcraft.project.server.web_ui import home_of, run_until_stopped

    home = home_of(projects_at(projects))

    def ready(found: Addresses) -> None:
        if as_json:
            print_json({**asdict(found), "log": str(home.log)})
        else:
            _say_addresses(found, home.log)
        if browser:
            typer.launch(found.airflow)

    def stopping() -> None:
        aside().print("Stopping …")

    aside().print("Starting Airflow and MLflow, which takes half a minute …")
    code = run_until_stopped(home, port=port, mlflow_port=mlflow_port, ready=ready, stopping=stopping)
    raise typer.Exit(code)


def _say_addresses(found: Addresses, log: Path) -> None:
    say(f"  Airflow   [bold]{found.airflow}[/]", f"  user      {found.user}", f"  password  {plain(found.password)}")
    say("", f"  MLflow    [bold]{found.mlflow}[/]", "", f"[dim]The log is in {plain(log)}. Ctrl-C stops it.[/]")
