"""Machine learning as a person sees it: a run asks for approval, and its pages lead to MLflow's."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import expect

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.client import TrackingClient

from .site import run_site
from .test_web_ui import path_of
from .web_ui import WebUI, browser_on

DOCUMENTS = Path(__file__).parent / "documents"
DAG = "workflows.approved"
_READ_BY_SCHEDULER = re.compile(r"Received executor event with state success .*task_id='approve'")


@pytest.mark.browser
def test_a_person_crowns_a_model(tmp_path: Path) -> None:
    """MLCRAFT_PICTURES is a folder for the pictures."""
    pictures = Path(os.environ.get("MLCRAFT_PICTURES") or tmp_path)
    with run_site(tmp_path / "mlcraft") as site, browser_on(site, pictures) as ui:
        shutil.copy(DOCUMENTS / "approved.cwl", site.project / "cwl" / "workflows")
        ui.log_in()
        ui.wait_until(lambda: DAG in ui.dag_ids(), "a DAG for the document")
        ui.open_dag("Approved")
        run_id = ui.trigger(ui.trigger_form())

        approve(ui, run_id)
        tasks = ui.wait_for(DAG, run_id, "success")
        assert {task["state"] for task in tasks.values()} == {"success"}
        assert len(list(path_of(ui.outputs(DAG, run_id)["champion"]).iterdir())) > 1

        check_champion(ui, tmp_path / "spool")
        open_mlflow_run(ui, run_id)


def approve(ui: WebUI, run_id: str) -> None:
    """The run waits, shows the report, and goes on."""
    path = f"dags/{DAG}/dagRuns/{quote(run_id)}"
    ui.page.goto("about:blank")
    waiting = ("awaiting_input", "deferred")
    ui.wait_until(lambda: ui.tasks(path).get(("approve", -1), {}).get("state") in waiting, "the question")
    # Airflow 3.3 fails a task whose answer comes before the scheduler has read that its process ended.
    log = ui.site.project / ".mlcraft" / "up.log"
    ui.wait_until(
        lambda: _READ_BY_SCHEDULER.search(log.read_text()), "the scheduler's line about the end of the process"
    )
    ui.open_task(DAG, run_id, "approve/required_actions")
    expect(ui.page.get_by_text("May this model be the champion of approved?").first).to_be_visible()
    expect(ui.page.get_by_role("cell", name="k_neighbors", exact=False).first).to_be_visible()
    ui.picture("approval")
    ui.page.get_by_role("button", name="Approve", exact=True).click()


def check_champion(ui: WebUI, spool: Path) -> None:
    """The registry has the model, and its run knows who has approved it."""
    api = TrackingClient(ui.site.mlflow, spool=spool).api()
    version = ui.wait_until(lambda: api.get_version_by_alias("approved", "champion"), "a champion in the registry")
    assert version.version == "1"
    found = [api.get_run(run.id) for run in api.search_runs(api.get_or_create_experiment(DAG), "")]
    asked = [run for run in found if run.tags.get(tags.TASK) == "approve"]
    assert [run.tags.get("mlcraft.approved_by") for run in asked] == ["admin"]


def open_mlflow_run(ui: WebUI, run_id: str) -> None:
    """From a task to its run in MLflow, whose page shows what it has measured."""
    ui.open_task(DAG, run_id, "evaluate/details")
    with ui.page.expect_popup() as opened:
        ui.page.get_by_role("link", name="MLflow run").click()
    page = opened.value
    page.wait_for_url(f"**:{urlsplit(ui.site.mlflow).port}/**")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_text("evaluate").first).to_be_visible()
    expect(page.get_by_text("k_neighbors.acc").first).to_be_visible()
    page.screenshot(path=ui.pictures / "mlflow_run.png")
