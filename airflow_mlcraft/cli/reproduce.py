"""`mlcraft reproduce`: run a tracked run again from its stored data, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import plain, print_json, say, show, table
from airflow_mlcraft.cli.progress import Progress
from airflow_mlcraft.project.project_paths import projects_at

if TYPE_CHECKING:
    from airflow_mlcraft.runner.reproduce import Compared, Reproduction

_SHORT = 12


def reproduce(  # noqa: PLR0917
    run: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A project; or the id of a run in MLflow; or a DAG, with that of its run."),
    ],
    dag_run_id: Annotated[
        str, typer.Argument(metavar="[RUN]", help="The run of the project, the last when left out; or of the DAG.")
    ] = "",
    document: Annotated[
        str, typer.Option("--document", help="The run's document, where the plan cache has forgotten it.")
    ] = "",
    projects: Folder = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="The tasks' whole logs.")] = False,
) -> None:
    """Run a tracked run again, and compare all files and metrics. Exit code 1 when something differs.

    Nothing is reused. What was retrieved is taken from the store; nothing is served, crowned, versioned or tracked.
    """
    from airflow_mlcraft.project.tracking_lookup import looking_at, project_named_in, run_of
    from airflow_mlcraft.runner.reproduce import past_run

    project = project_named_in(run, projects_at(projects))
    if project is not None:
        run, dag_run_id = run_of(project, dag_run_id)
    with (
        looking_at(project),
        past_run(run, dag_run_id, document) as past,
        Progress(past.plan, quiet=quiet, verbose=verbose) as progress,
    ):
        found = past.again(on_dag=progress.on_dag, on_event=progress.on_event, log=progress.log)
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    if not found.same:
        raise typer.Exit(1)


def _show(found: Reproduction) -> None:
    rows = table("step", "", "name", "then", "now")
    for each in found.compared:
        if each.kind == "output" or not each.same:
            mark = "[green]✓[/]" if each.same else "[red]✗[/]"
            rows.add_row(plain(each.step), mark, plain(each.name), _cell(each.then), _cell(each.now))
    show(rows)
    outputs, metrics = (_count(found.compared, kind) for kind in ("output", "metric"))
    say(f"{outputs} outputs and {metrics} metrics are the same as in {plain(found.dag_id)} {plain(found.dag_run_id)}.")
    if found.replayed:
        say(f"[dim]Not done again, their outputs are those of then: {plain(', '.join(found.replayed))}.[/]")


def _count(compared: tuple[Compared, ...], kind: str) -> str:
    all_ = [each for each in compared if each.kind == kind]
    return f"{sum(each.same for each in all_)} of {len(all_)}"


def _cell(value: Any) -> str:
    if value is None:
        return "[dim]nothing[/]"
    return plain(value if isinstance(value, float) else f"{str(value)[:_SHORT]}")
