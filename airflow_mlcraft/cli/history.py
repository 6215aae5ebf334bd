"""The verbs `history` and `compare`: tables of runs and their scores."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find_project
from airflow_mlcraft.cli.printing import (
    escape,
    format_score,
    format_time,
    new_table,
    print_json,
    print_lines,
    print_next_step,
    print_table,
)
from airflow_mlcraft.project.run_records import format_value

_BAR = 10
_BEST_STYLE = {True: "[green]", False: ""}


def history(
    name: Name,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="Only so many of the newest.")] = 20,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show the project's runs: what was asked, how they ended, which model won, and a plot of the scores."""
    from airflow_mlcraft.project.history import list_runs

    records = list_runs(find_project(name, projects), last)
    if as_json:
        print_json([record.to_json() for record in records])
        return
    scores = [record.score for record in records if record.score is not None]
    rows = new_table(
        "run", "", "started", "asked", "champion", "metric", "score", "", "seconds", numbers=["score", "seconds"]
    )
    for record in records:
        comparable = [one.score for one in records if one.metric == record.metric and one.score is not None]
        rows.add_row(
            record.short_id,
            record.verb,
            format_time(record.started),
            escape(record.options_text),
            escape(record.champion) + (" [dim](stays)[/]" if record.kept else "")
            if record.ok
            else _format_state(record.state),
            record.metric,
            format_score(record.score),
            format_bar(record.score, comparable),
            f"{record.seconds:.0f}",
        )
    print_table(rows)
    if len(scores) > 1:
        print_next_step(f"mlcraft compare {name}", "puts the last two trainings side by side; RUN RUN names others.")
        return
    print_next_step(f"mlcraft train {name} --set seed=7", "makes another run, to compare.")


def compare(
    name: Name,
    runs: Annotated[
        list[str] | None, typer.Argument(help="Runs, by their names or how these end; the last two when left out.")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help="By which; that of the last run else.")] = "",
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Put runs side by side: what they were asked, and what each model came to, as a table and a plot."""
    from airflow_mlcraft.project.history import compare_runs

    comparison = compare_runs(find_project(name, projects), runs or [], metric)
    if as_json:
        report: dict[str, Any] = {"metric": comparison.metric, "runs": [one.run_id for one in comparison.runs]}
        print_json(report | {"differs": comparison.differs, "scores": comparison.scores, "code": comparison.code})
        return
    rows = new_table("", *(f"{record.verb} {record.short_id}" for record in comparison.runs))
    rows.add_row("[dim]started[/]", *(format_time(record.started) for record in comparison.runs))
    for key, values in comparison.differs.items():
        rows.add_row(
            f"[dim]{escape(key)}[/]", *(escape("" if value is None else format_value(value)) for value in values)
        )
    rows.add_row("champion", *(escape(record.champion) for record in comparison.runs))
    all_scores = [value for values in comparison.scores.values() for value in values if value is not None]
    for label, values in comparison.scores.items():
        valid = [value for value in values if value is not None]
        best = (max if comparison.higher_is_better else min)(valid) if valid else None
        cells = [
            f"{_BEST_STYLE[value == best and len(set(valid)) > 1]}{format_score(value)}"
            f"{'[/]' if value == best and len(set(valid)) > 1 else ''} {format_bar(value, all_scores)}"
            for value in values
        ]
        rows.add_row(escape(label), *cells)
    print_table(rows)
    names = {record.run_id: record for record in comparison.runs}
    for run_id, files in comparison.code.items():
        before = comparison.runs[comparison.runs.index(names[run_id]) - 1]
        print_lines(f"[yellow]![/] The code changed between {before.short_id} and {names[run_id].short_id}:")
        print_lines(*(f"    {escape(line)}" for line in files))
    better = "higher is better" if comparison.higher_is_better else "lower is better"
    print_lines(f"[dim]{comparison.metric} on the test part, {better}[/]")


def _format_state(state: str) -> str:
    return f"[red]{state}[/]"


def format_bar(value: float | None, all_scores: list[float]) -> str:
    """Return a bar for a score, scaled between the lowest and the highest of all scores."""
    if value is None or not all_scores:
        return ""
    low, high = min(all_scores), max(all_scores)
    share = 1.0 if high == low else 0.15 + 0.85 * (value - low) / (high - low)
    return "[cyan]" + "━" * max(1, round(_BAR * share)) + "[/]"
