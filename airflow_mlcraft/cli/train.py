"""The verbs `train` and `evaluate`, with the live table of models and the summary of the run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

import typer

from airflow_mlcraft.cli.options import (
    AsJson,
    Folder,
    Name,
    complete_metrics,
    complete_models,
    find_project,
    split_values,
)
from airflow_mlcraft.cli.printing import (
    ask_date_format,
    can_ask,
    escape,
    format_score,
    print_json,
    print_lines,
    print_next_step,
    print_table,
)
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_records import TRAIN, RunRecord

_HASH_LENGTH = 12
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="The whole log of all tasks.")]


def train(  # noqa: PLR0917
    name: Name,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL…",
            help="What to train, instead of the models of mlcraft.toml.",
            autocompletion=complete_models,
        ),
    ] = None,
    tune: Annotated[
        int, typer.Option("--tune", metavar="N", min=0, help="Search for each model's parameters, in N trials.")
    ] = 0,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE…",
            help="Another value for this run, as seed=7 or random_forest.max_depth=8; with commas, each of them.",
        ),
    ] = None,
    server: Annotated[
        bool, typer.Option("--server", help="On the running Airflow that mlcraft.toml or --url names.")
    ] = False,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="That Airflow's address.")] = "",
    parallel: Annotated[int, typer.Option("--parallel", min=0, help="Tasks at once (as many as cores, and 2).")] = 0,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: dates that can be read in two ways have the day first.")
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Train the project's models, compare them, and name the best one the champion.

    The project's workflow runs as a DAG run: by an embedded Airflow, or with --server on a running one. A step that
    has run before on the same inputs is not run again. `--set seed=1,2,3` makes three runs;
    `--set random_forest.max_depth=4,8` trains two forests in one run.
    """
    from airflow_mlcraft.cli.training_table import training_progress
    from airflow_mlcraft.project.training import train as run

    project = find_project(name, projects)
    run_here = partial(
        run, project, models=split_values(models), tune=tune, overrides=overrides or [], parallel=parallel
    )
    with training_progress(quiet=quiet or as_json, verbose=verbose) as progress:
        if server or url:
            from airflow_mlcraft.project.server.training_run import train_on_server

            records = train_on_server(
                project,
                url=url,
                models=split_values(models),
                tune=tune,
                overrides=overrides or [],
                progress=progress,
                ask_login=_ask_login if can_ask() else None,
            )
        else:
            records = run_here(progress=progress)
    asks_dates = bool(progress.ambiguous_dates) and can_ask() and not as_json and not yes
    if asks_dates and _ask_dates(project, progress.ambiguous_dates):
        print_lines("The models are trained again, with these dates.")
        with training_progress(quiet=quiet, verbose=verbose) as progress:
            records = run_here(progress=progress)
    if as_json:
        print_json([record.to_json() for record in records])
    else:
        for record in records:
            _print_record(project, record)
    if not all(record.ok for record in records):
        raise typer.Exit(1)
    if not as_json:
        if len(records) > 1:
            print_next_step(
                f"mlcraft compare {name} {' '.join(one.short_id for one in records)}", "puts the runs side by side;"
            )
        print_next_step(f"mlcraft evaluate {name} METRIC", "decides by another metric;")
        print_next_step(f"mlcraft run {name}", "serves the champion.")


def evaluate(  # noqa: PLR0917
    name: Name,
    metric: Annotated[
        str,
        typer.Argument(
            help="acc, precision, recall, f1, roc_auc or log_loss; rmse, mae, mse, r2 or mape. The project's own else.",
            show_default=False,
            autocompletion=complete_metrics,
        ),
    ] = "",
    quiet: Quiet = False,
    verbose: Verbose = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the models that were trained last by a metric, and crown the best of them and today's champion."""
    from airflow_mlcraft.cli.training_table import training_progress
    from airflow_mlcraft.project.evaluation import evaluate as run

    project = find_project(name, projects)
    with training_progress(quiet=quiet or as_json, verbose=verbose) as progress:
        record = run(project, metric, progress=progress)
    if as_json:
        print_json(record.to_json())
    else:
        _print_record(project, record)
    if not record.ok:
        raise typer.Exit(1)
    if not as_json:
        print_next_step(f"mlcraft run {name}", "serves the champion.")


def _print_record(project: Project, record: RunRecord) -> None:
    from airflow_mlcraft.cli.training_table import build_summary
    from airflow_mlcraft.project.manifest import read_manifest

    print_table(build_summary(record))
    if record.dirty:
        kept = f"; it is kept in commit {record.code[:_HASH_LENGTH]} and {record.run_id}.diff" if record.code else ""
        print_lines(f"[yellow]![/] The code of this run is on no branch: {escape(record.dirty)}{kept}")
    for model in record.models:
        if model.fault and record.ok:
            print_lines(f"[red]✗[/] {escape(model.name)} failed, and the others went on: {escape(model.fault)}")
    for note in record.notes:
        print_lines(f"[yellow]![/] {escape(note)}")
    if not record.ok:
        print_lines(f"[red]✗ The run failed[/] after {record.seconds:.0f} s: {escape(record.error)}")
        print_lines(f"[dim]The whole log:[/] {escape(project.logs / record.run_id)}.log")
        return
    stays = " [dim](as before)[/]" if record.kept else ""
    options = f"; {escape(record.options_text)}" if record.options_text else ""
    print_lines(
        f"[bold yellow]★[/] Champion: [bold]{escape(record.champion)}[/]{stays}, "
        f"{record.metric} {format_score(record.score)} [dim]on the test part, after {record.seconds:.0f} s{options}[/]"
    )
    print_lines(f"  [dim]{escape(record.why)}[/]")
    if record.verb == TRAIN and "metric" not in record.set and not read_manifest(project).metric:
        print_lines(
            f"  [dim]{record.metric} was chosen by the data; `mlcraft config {project.name} --metric M` sets one[/]"
        )
    if record.has_other_split:
        print_lines(
            "  [dim]The rows were split anew: a champion of before may have learned from some of the test part[/]"
        )
    print_lines(f"  [dim]Report:[/] {escape(project.folder / 'reports' / 'report.html')}")


def _ask_dates(project: Project, columns: Mapping[str, Mapping[str, str]]) -> bool:
    """Ask for the formats of ambiguous dates and store them in mlcraft.toml.

    Returns whether one differs from the default.
    """
    from airflow_mlcraft.project.documents import sync_documents
    from airflow_mlcraft.project.manifest import change_manifest, read_manifest

    formats = {name: ask_date_format(name, description) for name, description in columns.items()}
    change_manifest(project, {"data.dates": {**read_manifest(project).dates, **formats}})
    sync_documents(project, read_manifest(project))
    print_lines(f"[green]✓[/] It is noted in {escape(project.manifest.name)}, as dates.")
    return any(formats[name] != description["day_first"] for name, description in columns.items())


def _ask_login(url: str) -> tuple[str, str]:
    """Ask for user and password of a server; the password is not echoed."""
    from rich.prompt import Prompt

    from airflow_mlcraft.cli.printing import error_console

    user = Prompt.ask(f"User of {url}", console=error_console())
    return user, Prompt.ask("Password", password=True, console=error_console())
