"""`mlcraft run`, `stop`, `status` and `logs`: the inference server of a project."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import next_step, number, plain, print_json, say, status, table
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

    project = find(name, projects)
    running = serve.status(project)["running"]
    with _ending_by_signals(), status(f"Starting the server of {name} …", as_json) as doing:
        made = serve.run(project, port=port, host=host, workers=workers, say=doing)
    if as_json:
        print_json({"project": name, "url": made.url, "content": made.content, "replaced": made.replaced})
    else:
        say(f"[green]✓[/] {name} answers at [bold]{made.url}[/] [dim](model {made.content[:12]})[/]")
        next_step(f"mlcraft predict {name} data/test.parquet", f"predicts rows; {made.url} is a page to try.")
    if detach or running:
        if not as_json:
            next_step(f"mlcraft stop {name}", "ends the server; `logs` and `status` look at it.")
        return
    if not as_json:
        say("[dim]Ctrl-C ends it.[/]")
    _in_foreground(project)


def stop(name: Name, projects: Folder = None, as_json: AsJson = False) -> None:
    """End the project's server; requests that it has begun are answered."""
    from airflow_mlcraft.project import serve

    project = find(name, projects)
    with status(f"Stopping the server of {name} …", as_json):
        serve.stop(project)
    if as_json:
        print_json({"project": name, "running": False})
    else:
        say(f"[green]✓[/] the server of {name} has ended")


def server_status(name: Name, projects: Folder = None, as_json: AsJson = False) -> None:
    """Say whether the project's server runs, where, and with which model. Exit code 3 when it does not run."""
    from airflow_mlcraft.project import serve

    project = find(name, projects)
    found = serve.status(project)
    if as_json:
        print_json(found)
    elif found["running"]:
        _show(project, found)
    else:
        say(f"No server of {name} runs.")
        next_step(f"mlcraft run {name} --detach", "starts one.")
    if not found["running"]:
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

    project = find(name, projects)
    found = _run_log(project, run_id, lines) if run_id else serve.log_lines(project, lines)
    if as_json:
        print_json(found)
        return
    for line in found:
        typer.echo(line)
    if follow and not run_id:
        for line in serve.follow_log(project):
            typer.echo(line)


def _run_log(project: Project, run_id: str, lines: int) -> list[str]:
    found = sorted(project.logs.glob("*.log"), key=lambda path: path.stat().st_mtime)
    named = found[-1:] if run_id == "last" else [path for path in found if run_id in path.stem]
    if len(named) != 1:
        raise ProjectError(
            f"there is {'no run' if not named else 'more than one run'} {run_id!r} with a log in {project.logs}",
            f"`mlcraft history {project.name}` lists the runs",
        )
    every = named[0].read_text("utf-8", errors="replace").splitlines()
    return every[-lines:] if lines else []


def _in_foreground(project: Project) -> None:
    from airflow_mlcraft.project import serve

    with _ending_by_signals():
        try:
            for line in serve.follow_log(project, while_running=True):
                typer.echo(line)
            raise ProjectError("the server has ended by itself", f"`mlcraft logs {project.name}` says why")
        except (KeyboardInterrupt, SystemExit):
            with contextlib.suppress(ProjectError):
                serve.stop(project)
            say(f"[green]✓[/] the server of {project.name} has ended")


@contextlib.contextmanager
def _ending_by_signals() -> Iterator[None]:
    """A closed terminal and `kill` unwind as Ctrl-C does, so that the server is ended."""

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(project: Project, found: dict[str, Any]) -> None:
    from airflow_mlcraft.cli.printing import show
    from airflow_mlcraft.project.list_projects import champion

    name, best = project.name, champion(project) if found["current"] else None
    what = f"{plain(best.model)}, {best.metric} {number(best.score)} " if best else ""
    rows = table("", "")
    rows.show_header = False
    rows.add_row("server", f"[green]runs[/] at [bold]{found['url']}[/] [dim](process {found['pid']})[/]")
    newer = "" if found["current"] else f" [yellow]not today's champion; `mlcraft run {name} -d` swaps it in[/]"
    rows.add_row("model", f"{what}[dim]({found['content'][:12]})[/]{newer}")
    rows.add_row("workers", plain(len(found["workers"])))
    show(rows)
    next_step(f"mlcraft logs {name} --follow", "shows its requests.")
