"""`make demo`: import the shipped CWL documents, run one with `airflow dags test`, and show what came out."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from project_home import AIRFLOW, DATABASE, FOLDER, PROJECT, environment, prepare_database
from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.table import Table

DAG_ID = "workflows.text_statistics"
LOG = FOLDER / "demo.log"
MARKS = {
    "success": "[green]success[/]",
    "failed": "[red]failed[/]",
    "upstream_failed": "[red]not run[/]",
    "skipped": "[magenta]skipped[/]",
    "running": "[yellow]running[/]",
}
console = Console(highlight=False)


def main() -> int:
    """Exit code 0 when the workflow ran through."""
    with console.status("Preparing Airflow's database in .mlcraft/airflow …"):
        prepare_database()
    before = newest_run()
    with LOG.open("w") as log:
        command = [AIRFLOW, "dags", "test", DAG_ID]
        # It takes some seconds until the first task; meanwhile this process reads the documents.
        run = subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=log, stderr=log)
        try:
            show_documents()
            console.print(f"\n[bold]airflow dags test {DAG_ID}[/]")
            follow(run, before)
        finally:
            if run.poll() is None:
                run.terminate()
    number = newest_run()
    if number == before:
        console.print(f"[red]The run did not start.[/] {LOG.relative_to(PROJECT)} says why.")
        return 1
    state = one("select state from dag_run where id = ?", number)
    if run.returncode or state != "success":
        console.print(f"[red]The run ended as {state}.[/] {LOG.relative_to(PROJECT)} says why.")
        return 1
    show_outputs(number)
    console.print(
        f"\nThe whole log is in {LOG.relative_to(PROJECT)}. Next: [bold]make up[/] shows these DAGs in "
        "Airflow's web UI; a document that you put into cwl/ is a DAG as well."
    )
    return 0


def show_documents() -> None:
    """The DAGs that dags/cwl_dags.py makes of the folder cwl/."""
    with console.status("Reading the CWL documents …"):
        os.environ.update(environment())
        from airflow_mlcraft import load_cwl_dags

        found: dict[str, Any] = {}
        load_cwl_dags(found, PROJECT / "cwl")
    console.print(f"[bold]{len(found)} CWL documents are DAGs[/] (dags/cwl_dags.py)")
    table = plain_table()
    for dag in found.values():
        table.add_row(f"[cyan]{dag.dag_id}[/]", dag.description or "")
    console.print(Padding(table, (0, 2)))


def follow(run: subprocess.Popen[bytes], before: int) -> None:
    """The table of tasks, until the run ends."""
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while run.poll() is None:
            time.sleep(0.25)
            live.update(tasks(newest_run(), before))
        live.update(tasks(newest_run(), before))
    if not console.is_terminal:
        console.print(tasks(newest_run(), before))


def tasks(number: int, before: int) -> Padding:
    """The tasks of a run, with their states and durations."""
    if number == before:
        return Padding("[dim]starting …[/]", (0, 2))
    table = plain_table("task", "item", "state", "seconds")
    table.columns[3].justify = "right"
    found = rows(
        "select task_id, map_index, rendered_map_index, state, start_date, end_date from task_instance "
        "where run_id = (select run_id from dag_run where id = ?) and dag_id = ? "
        "order by coalesce(start_date, '9'), map_index",
        number,
        DAG_ID,
    )
    for task, index, item, state, start, end in found:
        name = item or (str(index) if index >= 0 else "")
        mark = MARKS.get(state, f"[dim]{state or 'waiting'}[/]")
        table.add_row(f"[cyan]{task}[/]", name, mark, seconds_between(start, end))
    counts = Counter(state or "waiting" for _, _, _, state, _, _ in found)
    table.caption = ", ".join(f"{count} {state}" for state, count in counts.items())
    return Padding(table, (0, 2))


def seconds_between(start: str | None, end: str | None) -> str:
    """How long a task took, once it is over."""
    if not (start and end):
        return ""
    return f"{(datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds():.1f}"


def show_outputs(number: int) -> None:
    """The workflow's outputs; of the report, the text itself."""
    text = one("select value from xcom where dag_run_id = ? and task_id = 'outputs' and key = 'return_value'", number)
    outputs: Any = json.loads(text)
    if isinstance(outputs, str):
        outputs = json.loads(outputs)
    folder = path_of(outputs["report"]).parent.relative_to(PROJECT)
    console.print("\n[bold]Outputs[/], the files in", f"[dim]{folder}[/]", soft_wrap=True)
    table = plain_table()
    for name, value in outputs.items():
        table.add_row(f"[cyan]{name}[/]", readable(value))
    console.print(Padding(table, (0, 2)))
    console.print("\n[bold]The report[/]: words of all texts, and how often they occur")
    for line in path_of(outputs["report"]).read_text().splitlines():
        count, word = line.split()
        console.print(f"  {word:16} {'■' * int(count)} {count}")


def readable(value: Any) -> str:
    """A value of an output, in a few words."""
    if isinstance(value, list):
        return ", ".join(readable(item) for item in value)
    if isinstance(value, dict) and value.get("class") == "File":
        return path_of(value).name
    return str(value)


def path_of(file: dict[str, Any]) -> Path:
    """Where a File of the outputs is."""
    return Path(unquote(urlsplit(file["location"]).path))


def plain_table(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, show_header=bool(columns), header_style="dim")
    table.caption_justify = "left"
    for column in columns or ("", ""):
        table.add_column(column, overflow="fold")
    return table


def newest_run() -> int:
    """The number of the newest run of the DAG; 0 when there is none."""
    return one("select coalesce(max(id), 0) from dag_run where dag_id = ?", DAG_ID)


def one(query: str, *values: Any) -> Any:
    """The one value that a query finds."""
    return rows(query, *values)[0][0]


def rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What a query finds in Airflow's database, which is read only."""
    with closing(sqlite3.connect(f"{DATABASE.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(query, values).fetchall()


if __name__ == "__main__":
    sys.exit(main())
