"""The verbs `run`, `stop`, `status` and `logs` for the inference server of a project."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find_project
from airflow_mlcraft.cli.printing import (
    escape,
    format_score,
    new_table,
    print_json,
    print_lines,
    print_next_step,
    spinner,
)
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import Project

NOT_RUNNING = 3


def run(  # noqa: PLR0917
    name: Name,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Come back once it answers; it goes on.")] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="That of mlcraft.toml, or a free one, else.", show_default=False),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that answer.")] = 1,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Serve the champion over HTTP: POST /predict, a page to try it, /health, /metrics, and more.

    A server that runs already takes over the new champion without dropping a request. The model is tried before it
    gets traffic, and taken back when it fails. Without --detach the server ends with Ctrl-C.
    """
    from airflow_mlcraft.project import serve

    project = find_project(name, projects)
    running = serve.status(project)["running"]
    with _exit_on_signals(), spinner(f"Starting the server of {name} …", as_json) as report:
        deployment = serve.run(project, port=port, host=host, workers=workers, report=report)
    if as_json:
        print_json(
            {"project": name, "url": deployment.url, "content": deployment.content, "replaced": deployment.replaced}
        )
    else:
        print_lines(
            f"[green]✓[/] {name} answers at [bold]{deployment.url}[/] [dim](model {deployment.content[:12]})[/]"
        )
        print_next_step(
            f"mlcraft predict {name} data/test.parquet", f"predicts rows; {deployment.url} is a page to try."
        )
    if detach or running:
        if not as_json:
            print_next_step(f"mlcraft stop {name}", "ends the server; `logs` and `status` look at it.")
        return
    if not as_json:
        print_lines("[dim]Ctrl-C ends it.[/]")
    _follow_until_stopped(project)


def stop(name: Name, projects: Folder = None, as_json: AsJson = False) -> None:
    """End the project's server; requests that it has begun are answered."""
    from airflow_mlcraft.project import serve

    project = find_project(name, projects)
    with spinner(f"Stopping the server of {name} …", as_json):
        serve.stop(project)
    if as_json:
        print_json({"project": name, "running": False})
    else:
        print_lines(f"[green]✓[/] the server of {name} has ended")


def server_status(name: Name, projects: Folder = None, as_json: AsJson = False) -> None:
    """Say whether the project's server runs, where, and with which model. Exit code 3 when it does not run."""
    from airflow_mlcraft.project import serve

    project = find_project(name, projects)
    status = serve.status(project)
    if as_json:
        print_json(status)
    elif status["running"]:
        _print_status(project, status)
    else:
        print_lines(f"No server of {name} runs.")
        print_next_step(f"mlcraft run {name} --detach", "starts one.")
    if not status["running"]:
        raise typer.Exit(NOT_RUNNING)


def logs(  # noqa: PLR0917
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
    run_id: Annotated[
        str, typer.Option("--run", metavar="RUN", help="The log of a training run instead; `last` is the newest.")
    ] = "",
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show the log of the project's server, or of a run."""
    from airflow_mlcraft.project import serve

    project = find_project(name, projects)
    log_lines = _run_log(project, run_id, lines) if run_id else serve.log_lines(project, lines)
    if as_json:
        print_json(log_lines)
        return
    for line in log_lines:
        typer.echo(line)
    if follow and not run_id:
        for line in serve.follow_log(project):
            typer.echo(line)


def _run_log(project: Project, run_id: str, lines: int) -> list[str]:
    logs = sorted(project.logs.glob("*.log"), key=lambda path: path.stat().st_mtime)
    matches = logs[-1:] if run_id == "last" else [path for path in logs if run_id in path.stem]
    if len(matches) != 1:
        raise ProjectError(
            f"there is {'no run' if not matches else 'more than one run'} {run_id!r} with a log in {project.logs}",
            f"`mlcraft history {project.name}` lists the runs",
        )
    log_lines = matches[0].read_text("utf-8", errors="replace").splitlines()
    return log_lines[-lines:] if lines else []


def _follow_until_stopped(project: Project) -> None:
    from airflow_mlcraft.project import serve

    with _exit_on_signals():
        try:
            for line in serve.follow_log(project, while_running=True):
                typer.echo(line)
            raise ProjectError("the server has ended by itself", f"`mlcraft logs {project.name}` says why")
        except (KeyboardInterrupt, SystemExit):
            with contextlib.suppress(ProjectError):
                serve.stop(project)
            print_lines(f"[green]✓[/] the server of {project.name} has ended")


@contextlib.contextmanager
def _exit_on_signals() -> Iterator[None]:
    """Convert SIGTERM and SIGHUP to SystemExit, so that the server is stopped as after Ctrl-C."""

    def exit_on_signal(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    previous_handlers = {number: signal.signal(number, exit_on_signal) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def _print_status(project: Project, status: dict[str, Any]) -> None:
    from airflow_mlcraft.cli.printing import print_table
    from airflow_mlcraft.project.list_projects import read_champion

    name, champion = project.name, read_champion(project) if status["current"] else None
    model = f"{escape(champion.model)}, {champion.metric} {format_score(champion.score)} " if champion else ""
    rows = new_table("", "")
    rows.show_header = False
    rows.add_row("server", f"[green]runs[/] at [bold]{status['url']}[/] [dim](process {status['pid']})[/]")
    outdated_note = (
        "" if status["current"] else f" [yellow]not today's champion; `mlcraft run {name} -d` swaps it in[/]"
    )
    rows.add_row("model", f"{model}[dim]({status['content'][:12]})[/]{outdated_note}")
    rows.add_row("workers", escape(len(status["workers"])))
    print_table(rows)
    print_next_step(f"mlcraft logs {name} --follow", "shows its requests.")
