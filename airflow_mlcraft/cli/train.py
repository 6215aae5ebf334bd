"""`mlcraft train` and `mlcraft evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find, metrics, split
from airflow_mlcraft.cli.options import models as complete_models
from airflow_mlcraft.cli.printing import ask_date_format, can_ask, next_step, number, plain, print_json, say, show
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_records import TRAIN, RunRecord

_SHORT = 12
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
    from airflow_mlcraft.cli.training_table import following
    from airflow_mlcraft.project.training import train as run

    project = find(name, projects)
    run_here = partial(run, project, models=split(models), tune=tune, overrides=overrides or [], parallel=parallel)
    with following(quiet=quiet or as_json, verbose=verbose) as watch:
        if server or url:
            from airflow_mlcraft.project.server.training_run import train_on_server

            made = train_on_server(
                project,
                url=url,
                models=split(models),
                tune=tune,
                overrides=overrides or [],
                watch=watch,
                ask=_ask_login if can_ask() else None,
            )
        else:
            made = run_here(watch=watch)
    asks = bool(watch.ambiguous_dates) and can_ask() and not as_json and not yes
    if asks and _ask_dates(project, watch.ambiguous_dates):
        say("The models are trained again, with these dates.")
        with following(quiet=quiet, verbose=verbose) as watch:
            made = run_here(watch=watch)
    if as_json:
        print_json([record.to_json() for record in made])
    else:
        for record in made:
            _show(project, record)
    if not all(record.ok for record in made):
        raise typer.Exit(1)
    if not as_json:
        if len(made) > 1:
            next_step(f"mlcraft compare {name} {' '.join(one.short for one in made)}", "puts the runs side by side;")
        next_step(f"mlcraft evaluate {name} METRIC", "decides by another metric;")
        next_step(f"mlcraft run {name}", "serves the champion.")


def evaluate(  # noqa: PLR0917
    name: Name,
    metric: Annotated[
        str,
        typer.Argument(
            help="acc, precision, recall, f1, roc_auc or log_loss; rmse, mae, mse, r2 or mape. The project's own else.",
            show_default=False,
            autocompletion=metrics,
        ),
    ] = "",
    quiet: Quiet = False,
    verbose: Verbose = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the models that were trained last by a metric, and crown the best of them and today's champion."""
    from airflow_mlcraft.cli.training_table import following
    from airflow_mlcraft.project.evaluation import evaluate as run

    project = find(name, projects)
    with following(quiet=quiet or as_json, verbose=verbose) as watch:
        record = run(project, metric, watch=watch)
    if as_json:
        print_json(record.to_json())
    else:
        _show(project, record)
    if not record.ok:
        raise typer.Exit(1)
    if not as_json:
        next_step(f"mlcraft run {name}", "serves the champion.")


def _show(project: Project, record: RunRecord) -> None:
    from airflow_mlcraft.cli.training_table import summary
    from airflow_mlcraft.project.manifest import read

    show(summary(record))
    if record.dirty:
        kept = f"; it is kept in commit {record.code[:_SHORT]} and {record.run_id}.diff" if record.code else ""
        say(f"[yellow]![/] The code of this run is on no branch: {plain(record.dirty)}{kept}")
    for model in record.models:
        if model.fault and record.ok:
            say(f"[red]✗[/] {plain(model.name)} failed, and the others went on: {plain(model.fault)}")
    for note in record.notes:
        say(f"[yellow]![/] {plain(note)}")
    if not record.ok:
        say(f"[red]✗ The run failed[/] after {record.seconds:.0f} s: {plain(record.error)}")
        say(f"[dim]The whole log:[/] {plain(project.logs / record.run_id)}.log")
        return
    stays = " [dim](as before)[/]" if record.kept else ""
    say(
        f"[bold yellow]★[/] Champion: [bold]{plain(record.champion)}[/]{stays}, {record.metric} {number(record.score)} "
        f"[dim]on the test part, after {record.seconds:.0f} s{f'; {plain(record.asked)}' if record.asked else ''}[/]"
    )
    say(f"  [dim]{plain(record.why)}[/]")
    if record.verb == TRAIN and "metric" not in record.set and not read(project).metric:
        say(f"  [dim]{record.metric} was chosen by the data; `mlcraft config {project.name} --metric M` sets one[/]")
    if record.split_anew:
        say("  [dim]The rows were split anew: a champion of before may have learned from some of the test part[/]")
    say(f"  [dim]Report:[/] {plain(project.folder / 'reports' / 'report.html')}")


def _ask_dates(project: Project, columns: Mapping[str, Mapping[str, str]]) -> bool:
    """Ask how dates are written, and note it in mlcraft.toml, so that it is asked once; whether it was otherwise."""
    from airflow_mlcraft.project.documents import sync
    from airflow_mlcraft.project.manifest import change, read

    found = {name: ask_date_format(name, about) for name, about in columns.items()}
    change(project, {"data.dates": {**read(project).dates, **found}})
    sync(project, read(project))
    say(f"[green]✓[/] It is noted in {plain(project.manifest.name)}, as dates.")
    return any(found[name] != about["day_first"] for name, about in columns.items())


def _ask_login(url: str) -> tuple[str, str]:
    """Who the user is to a server; the password is not shown."""
    from rich.prompt import Prompt

    from airflow_mlcraft.cli.printing import aside

    user = Prompt.ask(f"User of {url}", console=aside())
    return user, Prompt.ask("Password", password=True, console=aside())
