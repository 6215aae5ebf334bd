"""The verb `ui`: the web UIs of Airflow and MLflow for the projects."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import error_console, escape, print_json, print_lines
from airflow_mlcraft.common.extras import require_extra
from airflow_mlcraft.project.project_paths import find_projects

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
    from airflow_mlcraft.project.server.web_ui import prepare_home, run_until_stopped

    require_extra("tracking")
    home = prepare_home(find_projects(projects))

    def print_ready(addresses: Addresses) -> None:
        if as_json:
            print_json({**asdict(addresses), "log": str(home.log)})
        else:
            _print_addresses(addresses, home.log)
        if browser:
            typer.launch(addresses.airflow)

    def print_stopping() -> None:
        error_console().print("Stopping …")

    error_console().print("Starting Airflow and MLflow, which takes half a minute …")
    code = run_until_stopped(home, port=port, mlflow_port=mlflow_port, on_ready=print_ready, on_stopping=print_stopping)
    raise typer.Exit(code)


def _print_addresses(addresses: Addresses, log: Path) -> None:
    print_lines(
        f"  Airflow   [bold]{addresses.airflow}[/]",
        f"  user      {addresses.user}",
        f"  password  {escape(addresses.password)}",
    )
    print_lines(
        "", f"  MLflow    [bold]{addresses.mlflow}[/]", "", f"[dim]The log is in {escape(log)}. Ctrl-C stops it.[/]"
    )
