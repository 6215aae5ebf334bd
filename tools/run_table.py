"""A live table of the tasks of a DAG run, read from Airflow's database."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import Any

from project_home import DATABASE
from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.table import Table

STATE_MARKS = {
    "success": "[green]success[/]",
    "failed": "[red]failed[/]",
    "upstream_failed": "[red]not run[/]",
    "skipped": "[magenta]skipped[/]",
    "running": "[yellow]running[/]",
}
console = Console(highlight=False)


def follow(dag_id: str, run: subprocess.Popen[bytes], before: int) -> None:
    """Show the table of tasks until the run ends."""
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while run.poll() is None:
            time.sleep(0.25)
            live.update(_tasks(dag_id, before))
        live.update(_tasks(dag_id, before))
    if not console.is_terminal:
        console.print(_tasks(dag_id, before))


def newest_run(dag_id: str) -> int:
    """The number of the newest run of a DAG; 0 when there is none."""
    return int(query_value("select coalesce(max(id), 0) from dag_run where dag_id = ?", dag_id))


def state_of(number: int) -> str:
    """The state of a run."""
    return str(query_value("select state from dag_run where id = ?", number))


def outputs_of(number: int) -> dict[str, Any]:
    """The output object of a run."""
    text = query_value(
        "select value from xcom where dag_run_id = ? and task_id = 'outputs' and key = 'return_value'", number
    )
    outputs = json.loads(text)
    found: dict[str, Any] = json.loads(outputs) if isinstance(outputs, str) else outputs
    return found


def new_table(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, show_header=bool(columns), header_style="dim")
    table.caption_justify = "left"
    for column in columns or ("", ""):
        table.add_column(column, overflow="fold")
    return table


def query_value(query: str, *values: Any) -> Any:
    """The first value of a query's result."""
    return _query_rows(query, *values)[0][0]


def _tasks(dag_id: str, before: int) -> Padding:
    """The tasks of the newest run, with their states and durations."""
    number = newest_run(dag_id)
    if number == before:
        return Padding("[dim]starting …[/]", (0, 2))
    table = new_table("task", "item", "state", "seconds")
    table.columns[3].justify = "right"
    found = _query_rows(
        "select task_id, map_index, rendered_map_index, state, start_date, end_date from task_instance "
        "where run_id = (select run_id from dag_run where id = ?) and dag_id = ? "
        "order by coalesce(start_date, '9'), map_index",
        number,
        dag_id,
    )
    for task, index, item, state, start, end in found:
        name = item or (str(index) if index >= 0 else "")
        mark = STATE_MARKS.get(state, f"[dim]{state or 'waiting'}[/]")
        table.add_row(f"[cyan]{task}[/]", name, mark, _seconds_between(start, end))
    counts = Counter(state or "waiting" for _, _, _, state, _, _ in found)
    table.caption = ", ".join(f"{count} {state}" for state, count in counts.items())
    return Padding(table, (0, 2))


def _seconds_between(start: str | None, end: str | None) -> str:
    """The duration of a task; empty while it runs."""
    if not (start and end):
        return ""
    return f"{(datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds():.1f}"


def _query_rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query in Airflow's database, which is opened read-only."""
    with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query, values).fetchall()
