"""Progress on stderr: `RunProgress` for document runs, `deployment_progress` for image builds and deployments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.cli.printing import error_console, escape

if TYPE_CHECKING:
    from rich.progress import TaskID

    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.deploying.errors import ProgressReporter
    from airflow_mlcraft.runner.events import TaskEvent


# Errors are not shown, because the reason of a failure is printed at the end.
SHOWN_LEVELS = ("warning",)


class RunProgress:
    """A progress bar with a line for each running task on a terminal; only log lines elsewhere."""

    def __init__(self, plan: Plan, *, quiet: bool, verbose: bool):
        self._title = plan.root.label or plan.document
        self._quiet = quiet
        self._verbose = verbose
        self._names: dict[str, str] = {}
        self._rows: dict[tuple[str, int], TaskID] = {}
        self._bar: Any = None
        self._all: Any = None

    def __enter__(self) -> RunProgress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._all = self._bar.add_task(f"[bold]{self._title}", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_dag(self, dag: Any) -> None:
        """Read the display names of the tasks."""
        self._names = {task.task_id: task.task_display_name for task in dag.tasks}

    def on_event(self, event: TaskEvent) -> None:
        """Update the line of a task that has changed its state."""
        if event.state == "awaiting_input":
            self.log(self._name(event), "warning", "waits for a person, who answers in Airflow's web UI")
        if self._bar is None:
            return
        key = (event.task_id, event.map_index)
        if event.state == "running":
            self._rows[key] = self._bar.add_task(f"  {self._name(event)}", total=1)
        elif key in self._rows:
            self._bar.remove_task(self._rows.pop(key))
        self._bar.update(self._all, completed=event.done, total=event.total)

    def log(self, task: str, level: str, line: str) -> None:
        """Print a line of a task's log: warnings, or all lines if verbose."""
        if self._quiet or not (self._verbose or level.lower() in SHOWN_LEVELS):
            return
        text = f"[{task}] {line}"
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            sys.stderr.write(text + "\n")

    def _name(self, event: TaskEvent) -> str:
        name = self._names.get(event.task_id, event.task_id)
        return f"{name} · {event.rendered_map_index or event.map_index}" if event.map_index >= 0 else name


OnProgress = Callable[[str, float, float], None]


@contextmanager
def deployment_progress(*, quiet: bool, verbose: bool = False) -> Iterator[ProgressReporter]:
    """Show a progress bar on a terminal, or a line for each stage elsewhere; with `verbose` also the log."""
    from airflow_mlcraft.deploying.errors import ProgressReporter

    def print_log(text: str) -> None:
        if verbose and not quiet:
            error_console().print(escape(text), style="dim", soft_wrap=True)

    if quiet:
        yield ProgressReporter(log=print_log)
    elif not sys.stderr.isatty():
        yield ProgressReporter(_LineProgress().on_progress, print_log)
    else:
        with _progress_bar() as on_progress:
            yield ProgressReporter(on_progress, print_log)


class _LineProgress:
    """Progress as lines: each stage is printed once."""

    def __init__(self) -> None:
        self._last_stage = ""

    def on_progress(self, text: str, done: float, total: float) -> None:
        if text != self._last_stage:
            self._last_stage = text
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


@contextmanager
def _progress_bar() -> Iterator[OnProgress]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=error_console(), transient=True) as bar:
        current, task = "", bar.add_task("", total=None)

        def on_progress(text: str, done: float, total: float) -> None:
            nonlocal current, task
            if text != current:
                bar.remove_task(task)
                current, task = text, bar.add_task(escape(text), total=None)
            bar.update(task, completed=done, total=total or None)

        yield on_progress
