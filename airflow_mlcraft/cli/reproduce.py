"""The verb `reproduce`: repetition of a tracked run from its stored data, with a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import escape, new_table, print_json, print_lines, print_table
from airflow_mlcraft.cli.progress import RunProgress
from airflow_mlcraft.project.project_paths import find_projects

if TYPE_CHECKING:
    from airflow_mlcraft.runner.reproduce import Comparison, Reproduction

_HASH_LENGTH = 12


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
    from airflow_mlcraft.project.embedded import tracking_settings
    from airflow_mlcraft.project.history import find_dag_run
    from airflow_mlcraft.runner.reproduce import open_past_run

    project = find_projects(projects).find_of_model(run)
    if project is not None:
        run, dag_run_id = find_dag_run(project, dag_run_id)
    with (
        tracking_settings(project),
        open_past_run(run, dag_run_id, document) as past,
        RunProgress(past.plan, quiet=quiet, verbose=verbose) as progress,
    ):
        reproduction = past.rerun(on_dag=progress.on_dag, on_event=progress.on_event, log=progress.log)
    if as_json:
        print_json(reproduction.to_json())
    else:
        _print_comparison(reproduction)
    if not reproduction.same:
        raise typer.Exit(1)


def _print_comparison(reproduction: Reproduction) -> None:
    rows = new_table("step", "", "name", "then", "now")
    for item in reproduction.compared:
        if item.kind == "output" or not item.same:
            mark = "[green]✓[/]" if item.same else "[red]✗[/]"
            rows.add_row(escape(item.step), mark, escape(item.name), _format_cell(item.then), _format_cell(item.now))
    print_table(rows)
    outputs, metrics = (_count_same(reproduction.compared, kind) for kind in ("output", "metric"))
    print_lines(
        f"{outputs} outputs and {metrics} metrics are the same as in "
        f"{escape(reproduction.dag_id)} {escape(reproduction.dag_run_id)}."
    )
    if reproduction.replayed:
        print_lines(
            f"[dim]Not done again, their outputs are those of then: {escape(', '.join(reproduction.replayed))}.[/]"
        )


def _count_same(compared: tuple[Comparison, ...], kind: str) -> str:
    of_kind = [one for one in compared if one.kind == kind]
    return f"{sum(one.same for one in of_kind)} of {len(of_kind)}"


def _format_cell(value: Any) -> str:
    if value is None:
        return "[dim]nothing[/]"
    return escape(value if isinstance(value, float) else f"{str(value)[:_HASH_LENGTH]}")
