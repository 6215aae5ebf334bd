"""The live table of `train` and `evaluate`: each model with its state and scores, and the steps around them."""

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

from airflow_mlcraft.cli.printing import aside, number, table
from airflow_mlcraft.project.run_records import ModelScore, RunRecord
from airflow_mlcraft.project.training import Watch

_MARKS = {
    "waiting": ("·", "dim"),
    "running": ("▶", "yellow"),
    "up_for_retry": ("↻", "yellow"),
    "awaiting_input": ("?", "bold yellow"),
    "success": ("✓", "green"),
    "skipped": ("-", "magenta"),
    "failed": ("✗", "red"),
    "upstream_failed": ("✗", "red"),
}
_SHOWN = ("inputs", "retrieve", "process", "evaluate", "outputs", "version_data")
# Why a task failed is said at the end.
_LOUD = ("warning",)


@contextmanager
def following(*, quiet: bool, verbose: bool) -> Iterator[Watch]:
    """Somebody who follows a run and draws it; plain lines where there is no terminal."""
    watch = Watch()
    told: set[tuple[str, str]] = set()

    def on_log(task: str, level: str, line: str) -> None:
        if verbose or (not quiet and level.lower() in _LOUD and task != "airflow"):
            aside().print(Text(f"[{task}] {line}", style="dim"))

    watch.on_log = on_log
    if quiet:
        yield watch
        return
    if not sys.stderr.isatty():
        watch.changed = lambda now: _tell(now, told)
        yield watch
        return
    # rich draws from a thread of its own, and a worker must not be forked while that holds a lock.
    live = Live(console=aside(), auto_refresh=False, transient=True)
    lock = threading.Lock()

    def draw(now: Watch) -> None:
        with lock:
            live.update(drawing(now), refresh=True)

    watch.changed = draw
    with live:
        yield watch


def drawing(watch: Watch) -> Group:
    """The run as it is now."""
    far = f"  {watch.done}/{watch.total} tasks" if watch.total else "  Airflow is starting …"
    head = Text.assemble((watch.title, "bold"), far)
    steps = Text("  ")
    for name in (*_SHOWN[:3], "", *_SHOWN[3:]):
        if not name:
            steps.append("models  ", style="bold")
        elif name in watch.steps:
            mark, style = _MARKS.get(watch.steps[name], ("·", "dim"))
            steps.append(f"{mark} {name}  ", style=style)
    return Group(head, steps, models_table(watch.models, watch.metric))


def models_table(models: list[ModelScore] | tuple[ModelScore, ...], metric: str) -> Table:
    """Each model: what cross-validation and, later, the test part say."""
    tested = any(model.test for model in models)
    columns = ["", "model", "parameters", f"{metric} (folds)", *([f"{metric} (test)"] if tested else []), "seconds"]
    made = table(*columns, numbers=columns[3:])
    for model in models:
        mark, style = _MARKS.get(model.state, ("·", "dim"))
        made.add_row(
            Text("★" if model.winner else mark, style="bold yellow" if model.winner else style),
            Text(model.name, style="bold" if model.winner else ""),
            Text(", ".join(f"{name}={_short(value)}" for name, value in model.params.items()), style="dim"),
            number(model.cv.get(metric)),
            *([number(model.test.get(metric))] if tested else []),
            "" if model.seconds is None else f"{model.seconds:.1f}",
        )
    return made


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def summary(record: RunRecord) -> Any:
    """How a run ended."""
    made = models_table(record.models, record.metric)
    score = record.baseline.get(record.metric)
    if score is not None and any(model.test for model in record.models):
        made.add_row("", Text("baseline", style="dim"), "", "", Text(number(score), style="dim"), "")
    return made


def _tell(watch: Watch, told: set[tuple[str, str]]) -> None:
    """Lines for a log: what has ended, once."""
    for model in watch.models:
        key = (f"{watch.title} {model.name} {model.params}", model.state)
        if model.state in ("success", "failed") and key not in told:
            told.add(key)
            if not model.test and model.seconds is not None:
                score = number(model.cv.get(watch.metric))
                aside().print(Text(f"{model.name}: {model.state}{f', {watch.metric} {score}' if score else ''}"))
    for name in _SHOWN:
        key = (f"{watch.title} {name}", watch.steps.get(name, ""))
        if key[1] in ("success", "failed") and key not in told:
            told.add(key)
            aside().print(Text(f"{name}: {key[1]}"))
