"""`make demo`: train, compare and serve models by a shipped CWL workflow, with `airflow dags test`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from project_home import FOLDER, PROJECT, environment, prepare_database
from rich.padding import Padding
from run_table import console, follow, new_table, newest_run, outputs_of, state_of

from airflow_mlcraft.project.server.web_ui import AIRFLOW
from airflow_mlcraft.project.training import format_champion_name

DAG_ID = "workflows.classification"
LOG = FOLDER / "demo.log"
METRICS = ("acc", "f1", "roc_auc", "log_loss")


def main() -> int:
    """Run the workflow. Returns exit code 0 if it succeeded."""
    with console.status("Preparing Airflow's database in .mlcraft/airflow …"):
        prepare_database()
    last_run = newest_run(DAG_ID)
    with LOG.open("w") as log:
        command = [AIRFLOW, "dags", "test", DAG_ID]
        # The first task takes some seconds to start; meanwhile this process reads the documents.
        run = subprocess.Popen(command, cwd=PROJECT, env=environment(), stdout=log, stderr=log)
        try:
            show_documents()
            console.print(f"\n[bold]airflow dags test {DAG_ID}[/]")
            follow(DAG_ID, run, last_run)
        finally:
            if run.poll() is None:
                run.terminate()
    number = newest_run(DAG_ID)
    if number == last_run:
        console.print(f"[red]The run did not start.[/] {LOG.relative_to(PROJECT)} says why.")
        return 1
    if run.returncode or state_of(number) != "success":
        console.print(f"[red]The run ended as {state_of(number)}.[/] {LOG.relative_to(PROJECT)} says why.")
        return 1
    outputs = outputs_of(number)
    show_models(outputs)
    show_prediction(outputs)
    show_where_to_look(outputs)
    return 0


def show_documents() -> None:
    """The DAGs that dags/cwl_dags.py makes of the workflows in cwl/."""
    with console.status("Reading the CWL documents …"):
        os.environ.update(environment())
        from airflow_mlcraft import load_cwl_dags

        dags: dict[str, Any] = {}
        load_cwl_dags(dags, PROJECT / "cwl")
    console.print(f"[bold]{len(dags)} CWL documents are DAGs[/] (dags/cwl_dags.py), these workflows and their tools:")
    table = new_table()
    for dag in dags.values():
        if dag.dag_id.startswith("workflows."):
            table.add_row(f"[cyan]{dag.dag_id}[/]", dag.description or "")
    console.print(Padding(table, (0, 2)))


def show_models(outputs: dict[str, Any]) -> None:
    """Print the scores of all models on the test part."""
    scores = json.loads(path_of(outputs["scores"]).read_text())
    table = new_table("", "model", *METRICS)
    for number in range(2, 2 + len(METRICS)):
        table.columns[number].justify = "right"
    for model in scores["models"]:
        best = model["name"] == scores["winner"]
        values = [f"{model['test'][name]:.4f}" if model["test"].get(name) is not None else "" for name in METRICS]
        table.add_row("★" if best else "", model["name"], *values, style="bold green" if best else "")
    console.print(f"\n[bold]The models[/] on {scores['rows']} rows that none of them has seen")
    console.print(Padding(table, (0, 2)))
    verb = "stays" if scores["kept"] else "is"
    console.print(f"\n[bold]The champion {verb}[/] {format_champion_name(scores)}: {scores['why']}", soft_wrap=True)


def show_prediction(outputs: dict[str, Any]) -> None:
    """Request a prediction from the server of the champion."""
    deployment = json.loads(path_of(outputs["deployment"]).read_text())
    row = deployment["smoke"][0]["row"]
    started = time.perf_counter()
    response = httpx.post(f"{deployment['url']}/predict", json={"records": [row]}, timeout=10).raise_for_status().json()
    seconds = (time.perf_counter() - started) * 1000
    some = ", ".join(f"{name} {value}" for name, value in list(row.items())[:3])
    console.print(f"\n[bold]A prediction[/] from {deployment['url']}, in {seconds:.0f} ms")
    console.print(f"  {some}, … → [bold green]{response['predictions'][0]}[/]", soft_wrap=True)


def show_where_to_look(outputs: dict[str, Any]) -> None:
    """Print where report, server, web UI and log are."""
    deployment = json.loads(path_of(outputs["deployment"]).read_text())
    places = {
        "the report": str(path_of(outputs["report"]).relative_to(PROJECT)),
        "the server": f"{deployment['url']} in a browser; it stays until the machine stops, or `make stop`",
        "Airflow and MLflow": "`make up`: the DAGs, their runs, the models with their data and documents",
        "the log": str(LOG.relative_to(PROJECT)),
    }
    console.print("\n[bold]Where to look[/]")
    for label, place in places.items():
        # A table would wrap long paths, which then could not be copied.
        console.print(f"  {label:<20}{place}", soft_wrap=True)


def path_of(file: dict[str, Any]) -> Path:
    """The path of a CWL File."""
    return Path(unquote(urlsplit(file["location"]).path))


if __name__ == "__main__":
    sys.exit(main())
