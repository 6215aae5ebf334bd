"""The trigger form of a workflow whose inputs list their choices: names are picked, and another one starts no run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .site import run_site
from .web_ui import browser_on

DAG = "workflows.regression"


@pytest.mark.browser
def test_models_are_picked(tmp_path: Path) -> None:
    """MLCRAFT_PICTURES is a folder for the pictures."""
    pictures = Path(os.environ.get("MLCRAFT_PICTURES") or tmp_path)
    with run_site(tmp_path / "mlcraft") as site, browser_on(site, pictures) as ui:
        ui.log_in()
        ui.wait_until(lambda: DAG in ui.dag_ids(), "a DAG for the document")
        ui.open_dag("Regression")
        form = ui.trigger_form()
        expect(form.get_by_text("gradient_boosting", exact=True).first).to_be_visible()
        models = form.locator("#element_models").get_by_role("combobox")
        models.click()
        models.fill("elas")
        expect(ui.page.get_by_role("option", name="elastic_net")).to_be_visible()
        ui.page.screenshot(path=pictures / "choices_of_models.png")
        models.press("Enter")
        expect(form.get_by_text("elastic_net", exact=True).first).to_be_visible()
        ui.page.screenshot(path=pictures / "chosen_models.png")

        # The form's own server says it to anyone who asks for a run.
        runs = f"{site.url}/api/v2/dags/{DAG}/dagRuns"
        refused = ui.page.request.post(runs, data={"logical_date": None, "conf": {"models": ["rigde"]}})
        assert refused.status == 400
        assert "'rigde' is not one of ['linear_regression', 'ridge'" in refused.json()["detail"]
        assert ui.get_json(f"dags/{DAG}/dagRuns")["total_entries"] == 0
