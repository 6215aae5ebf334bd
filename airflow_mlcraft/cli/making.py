"""What a person sees on stderr while an image is built or a deployment goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_mlcraft.cli.printing import aside, plain

if TYPE_CHECKING:
    from airflow_mlcraft.deploying.watch import Watch


Doing = Callable[[str, float, float], None]


@contextmanager
def watching(*, quiet: bool, verbose: bool = False) -> Iterator[Watch]:
    """A bar on a terminal, and a line for each thing that begins elsewhere; with `verbose` the whole log."""
    from airflow_mlcraft.deploying.watch import Watch

    def line(text: str) -> None:
        if verbose and not quiet:
            aside().print(plain(text), style="dim", soft_wrap=True)

    if quiet:
        yield Watch(line=line)
    elif not sys.stderr.isatty():
        yield Watch(_Lines().doing, line)
    else:
        with _bar() as doing:
            yield Watch(doing, line)


class _Lines:
    """Says each thing once."""

    def __init__(self) -> None:
        self._said = ""

    def doing(self, text: str, done: float, total: float) -> None:
        if text != self._said:
            self._said = text
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()


@contextmanager
def _bar() -> Iterator[Doing]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=aside(), transient=True) as bar:
        said, task = "", bar.add_task("", total=None)

        def doing(text: str, done: float, total: float) -> None:
            nonlocal said, task
            if text != said:
                bar.remove_task(task)
                said, task = text, bar.add_task(plain(text), total=None)
            bar.update(task, completed=done, total=total or None)

        yield doing
