"""`mlcraft history` and `mlcraft compare`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, find
from airflow_mlcraft.cli.printing import next_step, number, plain, print_json, say, show, table, when
from airflow_mlcraft.project.run_records import words

_BAR = 10
_STARS = {True: "[green]", False: ""}


def history(
    name: Name,
    last: Annotated[int, typer.Option("--last", "-n", min=0, help="Only so many of the newest.")] = 20,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Show the project's runs: what was asked, how they ended, which model won, and a plot of the scores."""
    from airflow_mlcraft.project.history import history as run

    found = run(find(name, projects), last)
    if as_json:
        print_json([record.to_json() for record in found])
        return
    scores = [record.score for record in found if record.score is not None]
    rows = table(
        "run", "", "started", "asked", "champion", "metric", "score", "", "seconds", numbers=["score", "seconds"]
    )
    for record in found:
        same = [one.score for one in found if one.metric == record.metric and one.score is not None]
        rows.add_row(
            record.short,
            record.verb,
            when(record.started),
            plain(record.asked),
            plain(record.champion) + (" [dim](stays)[/]" if record.kept else "") if record.ok else _state(record.state),
            record.metric,
            number(record.score),
            bar(record.score, same),
            f"{record.seconds:.0f}",
        )
    show(rows)
    if len(scores) > 1:
        next_step(f"mlcraft compare {name}", "puts the last two trainings side by side; RUN RUN names others.")
        return
    next_step(f"mlcraft train {name} --set seed=7", "makes another run, to compare.")


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
    from airflow_mlcraft.project.history import compare as run

    found = run(find(name, projects), runs or [], metric)
    if as_json:
        told: dict[str, Any] = {"metric": found.metric, "runs": [one.run_id for one in found.runs]}
        print_json(told | {"differs": found.differs, "scores": found.scores, "code": found.code})
        return
    rows = table("", *(f"{record.verb} {record.short}" for record in found.runs))
    rows.add_row("[dim]started[/]", *(when(record.started) for record in found.runs))
    for key, values in found.differs.items():
        rows.add_row(f"[dim]{plain(key)}[/]", *(plain("" if value is None else words(value)) for value in values))
    rows.add_row("champion", *(plain(record.champion) for record in found.runs))
    every = [value for values in found.scores.values() for value in values if value is not None]
    for label, values in found.scores.items():
        known = [value for value in values if value is not None]
        best = (max if found.higher_is_better else min)(known) if known else None
        cells = [
            f"{_STARS[value == best and len(set(known)) > 1]}{number(value)}"
            f"{'[/]' if value == best and len(set(known)) > 1 else ''} {bar(value, every)}"
            for value in values
        ]
        rows.add_row(plain(label), *cells)
    show(rows)
    names = {record.run_id: record for record in found.runs}
    for run_id, files in found.code.items():
        before = found.runs[found.runs.index(names[run_id]) - 1]
        say(f"[yellow]![/] The code changed between {before.short} and {names[run_id].short}:")
        say(*(f"    {plain(line)}" for line in files))
    better = "higher is better" if found.higher_is_better else "lower is better"
    say(f"[dim]{found.metric} on the test part, {better}[/]")


def _state(state: str) -> str:
    return f"[red]{state}[/]"


def bar(value: float | None, among: list[float]) -> str:
    """A score as a bar, between the lowest and the highest of its kind."""
    if value is None or not among:
        return ""
    low, high = min(among), max(among)
    share = 1.0 if high == low else 0.15 + 0.85 * (value - low) / (high - low)
    return "[cyan]" + "━" * max(1, round(_BAR * share)) + "[/]"
