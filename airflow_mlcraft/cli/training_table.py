"""Progress of `train` and `evaluate`: a live table of models and steps on a terminal, lines elsewhere; the summary."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from airflow_mlcraft.cli.printing import error_console, format_score, new_table
from airflow_mlcraft.cli.progress import SHOWN_LEVELS
from airflow_mlcraft.project.run_records import ModelScore, RunRecord
from airflow_mlcraft.project.training import TrainingProgress

_STATE_MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▶", "yellow"),
    "up_for_retry": ("↻", "yellow"),
    "awaiting_input": ("?", "bold yellow"),
    "success": ("✓", "green"),
    "skipped": ("-", "magenta"),
    "failed": ("✗", "red"),
    "upstream_failed": ("✗", "red"),
}
_SHOWN_STEPS = ("inputs", "retrieve", "process", "evaluate", "outputs", "version_data")


@contextmanager
def training_progress(*, quiet: bool, verbose: bool) -> Iterator[TrainingProgress]:
    """Yield a `TrainingProgress` that is drawn on a terminal at each change; elsewhere lines are printed."""
    progress = TrainingProgress()
    printed: set[tuple[str, str]] = set()

    def on_log(task: str, level: str, line: str) -> None:
        if verbose or (not quiet and level.lower() in SHOWN_LEVELS and task != "airflow"):
            error_console().print(Text(f"[{task}] {line}", style="dim"))

    progress.on_log = on_log
    if quiet:
        yield progress
        return
    if not sys.stderr.isatty():
        progress.on_change = lambda now: _print_finished(now, printed)
        yield progress
        return
    # Without automatic refresh: rich would draw in a thread, and no worker may be forked while that holds a lock.
    live = Live(console=error_console(), auto_refresh=False, transient=True)
    lock = threading.Lock()

    def draw(now: TrainingProgress) -> None:
        with lock:
            live.update(draw_progress(now), refresh=True)

    progress.on_change = draw
    with live:
        yield progress


def draw_progress(progress: TrainingProgress) -> Group:
    """Draw the current state: title, steps and the table of models."""
    position = f"  {progress.done}/{progress.total} tasks" if progress.total else "  Airflow is starting …"
    head = Text.assemble((progress.title, "bold"), position)
    steps = Text("  ")
    for name in (*_SHOWN_STEPS[:3], "", *_SHOWN_STEPS[3:]):
        if not name:
            steps.append("models  ", style="bold")
        elif name in progress.steps:
            mark, style = _STATE_MARKS.get(progress.steps[name], ("·", "dim"))
            steps.append(f"{mark} {name}  ", style=style)
    return Group(head, steps, build_models_table(progress.models, progress.metric))


def build_models_table(models: list[ModelScore] | tuple[ModelScore, ...], metric: str) -> Table:
    """Build the table of models with their scores by cross-validation and, later, on the test part."""
    tested = any(model.test for model in models)
    columns = ["", "model", "parameters", f"{metric} (folds)", *([f"{metric} (test)"] if tested else []), "seconds"]
    table = new_table(*columns, numbers=columns[3:])
    for model in models:
        mark, style = _STATE_MARKS.get(model.state, ("·", "dim"))
        table.add_row(
            Text("★" if model.winner else mark, style="bold yellow" if model.winner else style),
            Text(model.name, style="bold" if model.winner else ""),
            Text(", ".join(f"{name}={_format_parameter(value)}" for name, value in model.params.items()), style="dim"),
            format_score(model.cv.get(metric)),
            *([format_score(model.test.get(metric))] if tested else []),
            "" if model.seconds is None else f"{model.seconds:.1f}",
        )
    return table


def _format_parameter(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def build_summary(record: RunRecord) -> Any:
    """Build the table of a finished run, with the baseline."""
    table = build_models_table(record.models, record.metric)
    score = record.baseline.get(record.metric)
    if score is not None and any(model.test for model in record.models):
        table.add_row("", Text("baseline", style="dim"), "", "", Text(format_score(score), style="dim"), "")
    return table


def _print_finished(progress: TrainingProgress, printed: set[tuple[str, str]]) -> None:
    """Print a line for each model and step that has ended since the last call."""
    for model in progress.models:
        key = (f"{progress.title} {model.name} {model.params}", model.state)
        if model.state in ("success", "failed") and key not in printed:
            printed.add(key)
            if not model.test and model.seconds is not None:
                score = format_score(model.cv.get(progress.metric))
                error_console().print(
                    Text(f"{model.name}: {model.state}{f', {progress.metric} {score}' if score else ''}")
                )
    for name in _SHOWN_STEPS:
        key = (f"{progress.title} {name}", progress.steps.get(name, ""))
        if key[1] in ("success", "failed") and key not in printed:
            printed.add(key)
            error_console().print(Text(f"{name}: {key[1]}"))
