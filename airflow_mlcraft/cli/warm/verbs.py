"""The verbs `warm status` and `warm stop`."""

from __future__ import annotations

from typing import Any

import typer

from airflow_mlcraft.cli.options import AsJson
from airflow_mlcraft.cli.printing import print_json, print_lines
from airflow_mlcraft.cli.warm import client

app = typer.Typer(
    help="The process in the background with which `cwl run` and `train` start faster.", no_args_is_help=True
)
_NONE_RUNS = 3
_ANSWER_SECONDS = 5.0


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show the process id, age, runs and memory of the warm parent. Exit code 3 when there is none."""
    found = _ask("status")
    if as_json:
        print_json({"running": found is not None, **({} if found is None else _select(found))})
    elif found is None:
        print_lines("No warm parent runs; the next `mlcraft cwl run` or `mlcraft train` starts one.")
    else:
        minutes, seconds = divmod(found["seconds"], 60)
        print_lines(
            f"[green]✓[/] Process {found['pid']}, for {minutes} min {seconds} s, {found['memory'] / 1e6:.0f} MB: "
            f"{found['active']} of {found['runs']} runs under way"
        )
    if found is None:
        raise typer.Exit(_NONE_RUNS)


@app.command()
def stop(as_json: AsJson = False) -> None:
    """End the warm parent. Runs that are under way go on."""
    found = _ask("stop")
    if as_json:
        print_json({"stopped": found is not None, **({} if found is None else _select(found))})
    elif found is None:
        print_lines("No warm parent runs.")
    else:
        print_lines(f"[green]✓[/] Process {found['pid']} has ended")


def _ask(what: str) -> dict[str, Any] | None:
    folder = client.find_folder()
    return None if folder is None else client.ask(folder, what, _ANSWER_SECONDS)


def _select(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("pid", "seconds", "active", "runs", "memory")}
