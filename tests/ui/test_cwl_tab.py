"""The CWL tab: a workflow as a picture, a run that is followed in it, what failed and why, without a mouse too."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from playwright.sync_api import expect

from .cwl_tab import CwlTab
from .site import run_site
from .web_ui import WebUI, browser_on

DOCUMENTS = Path(__file__).parent / "documents"
HARVEST = "workflows.harvest"


@pytest.mark.browser
def test_cwl_tab(tmp_path: Path) -> None:
    """One server for all. MLCRAFT_PICTURES is a folder for the pictures."""
    pictures = Path(os.environ.get("MLCRAFT_PICTURES") or tmp_path)
    with run_site(tmp_path / "mlcraft") as site, browser_on(site, pictures) as ui:
        shutil.copy(DOCUMENTS / "harvest.cwl", site.project / "cwl" / "workflows")
        ui.log_in()
        ui.wait_until(lambda: HARVEST in ui.dag_ids(), "a DAG for the document")
        ui.page.set_viewport_size({"width": 1440, "height": 900})
        tab = CwlTab(ui)

        check_large_document(tab)
        check_workflow(tab)
        check_stored_positions(tab)
        run_id = start_run(ui)
        check_finished_run(tab, run_id)
        check_failed_step(tab)
        check_accessibility(tab)
        navigate_by_keyboard(tab)
        export_picture(tab, tmp_path)
        open_task_page(tab)
        check_missing_run(tab)
        log_in_again(tab, run_id)


def check_large_document(tab: CwlTab) -> None:
    """On a small screen: names can be read where all is shown, and the buttons cover nothing of it."""
    tab.ui.page.set_viewport_size({"width": 1280, "height": 800})
    tab.open("workflows.classification")
    expect(tab.box("Step Retrieve")).to_be_visible()
    tab.ui.wait_until_still()
    smallest = tab.frame().evaluate(
        """() => {
            const zoom = Number(getComputedStyle(document.querySelector('.graph')).getPropertyValue('--zoom'));
            const size = label => parseFloat(getComputedStyle(label).fontSize) * zoom;
            return Math.min(...[...document.querySelectorAll('.box-label')].map(size));
        }"""
    )
    assert smallest >= 9, f"names are {smallest} px"
    picture, buttons = tab.ui.find_box(tab.picture()), tab.ui.find_box(tab.inside.get_by_role("group", name="Zoom"))
    assert buttons["y"] >= picture["y"] + picture["height"]
    tab.ui.page.set_viewport_size({"width": 1440, "height": 900})


def check_workflow(tab: CwlTab) -> None:
    """Ports with names and types, scatter, condition, and a sub-workflow that opens in place."""
    tab.open(HARVEST)
    gather = tab.node("Step Gather fruit")
    expect(gather.locator(".port").filter(has_text="orchard")).to_contain_text("string[]")
    expect(gather.locator(".ports-out .port")).to_contain_text("fruit")
    expect(gather.locator(".step-scatter")).to_contain_text("orchard")
    expect(tab.node("Step Cover the trees").locator(".step-when")).to_contain_text("$(inputs.frost)")
    expect(tab.node("Input Orchards")).to_contain_text("string[]")

    expect(tab.box("Step Rinse")).to_have_count(0)
    tab.inside.get_by_role("button", name="Open the workflow of Prepare baskets").click()
    expect(tab.box("Step Rinse")).to_be_visible()
    expect(tab.box("Step Label")).to_be_visible()
    tab.inside.get_by_role("button", name="Close the workflow of Prepare baskets").click()
    expect(tab.box("Step Rinse")).to_have_count(0)

    tab.box("Input Orchards").click()
    expect(tab.section("In the document")).to_contain_text("quince")


def check_stored_positions(tab: CwlTab) -> None:
    """A document that says where its boxes stand is drawn so: above each other, beside each other."""
    tab.open("workflows.text_statistics")
    texts, shortest, count, compare = (
        tab.ui.find_box(tab.node(words))
        for words in ("Input Texts", "Input Shortest word", "Step Count words", "Step Compare texts")
    )
    assert abs(texts["x"] - shortest["x"]) < 1, "they have the same sbg:x"
    assert shortest["y"] < texts["y"]
    assert texts["x"] + texts["width"] < count["x"] < count["x"] + count["width"] < compare["x"]
    tab.ui.picture("cwl_tab_dag")


def start_run(ui: WebUI) -> str:
    """A run whose plums are not ripe."""
    answer = ui.page.request.post(
        f"{ui.site.url}/api/v2/dags/{HARVEST}/dagRuns", data={"conf": {}, "logical_date": None}
    )
    assert answer.ok, answer.text()
    run_id: str = answer.json()["dag_run_id"]
    return run_id


def check_finished_run(tab: CwlTab, run_id: str) -> None:
    """The page that is opened while the run goes on shows how it ends."""
    tab.open(HARVEST, run_id)
    run = tab.inside.get_by_role("status", name="State of the run")
    expect(run).to_contain_text("Failed")
    expect(run).to_contain_text(re.compile(r"\d+ failed"))
    gather = tab.node("Step Gather fruit")
    expect(gather.locator(".step-scatter")).to_contain_text("plum")
    expect(gather.locator(".scatter-count")).to_have_text("4/5")
    expect(gather.locator(".step-retries")).to_have_text("1")
    expect(gather.locator(".step-time")).to_contain_text(" s")
    expect(tab.box("Step Cover the trees, with a condition, Skipped")).to_be_visible()
    expect(tab.box("Step Prepare baskets, a workflow, Success")).to_be_visible()


def check_failed_step(tab: CwlTab) -> None:
    """The item that has failed is shown first: its command line, its inputs, the end of its log."""
    tab.inside.get_by_role("button", name="Open all sub-workflows").click()
    tab.ui.picture("cwl_tab_run")
    tab.box("Step Gather fruit").click()
    items = tab.items()
    expect(items.get_by_role("option", selected=True)).to_contain_text("plum")
    expect(items.get_by_role("option")).to_have_count(5)
    expect(tab.section("Command line")).to_contain_text("plum")
    expect(tab.section("End of the log")).to_contain_text("The plum is not ripe.")
    labels = tab.section("Inputs").locator(".file").filter(has_text="labels.txt")
    expect(labels).to_contain_text("111 B")
    expect(labels.locator("code")).to_contain_text("md5")

    items.get_by_role("option").filter(has_text="cherry").click()
    expect(tab.section("Outputs").locator(".file")).to_contain_text("cherry.txt")
    expect(tab.section("Outputs").locator(".file code")).to_contain_text("md5")


def check_accessibility(tab: CwlTab) -> None:
    """Neither in the light nor in the dark."""
    tab.dark(True)
    tab.ui.picture("cwl_tab_dark")
    tab.expect_no_faults()


def navigate_by_keyboard(tab: CwlTab) -> None:
    """Find a step that is inside of another, go on to its neighbour, look at it, and close it."""
    keyboard = tab.ui.page.keyboard
    tab.inside.get_by_role("button", name="Close all sub-workflows").click()
    keyboard.press("Escape")
    expect(tab.panel()).to_have_count(0)
    keyboard.press("/")
    keyboard.type("rin")
    expect(tab.inside.get_by_role("option", name="Rinse")).to_be_visible()
    keyboard.press("Enter")
    expect(tab.box("Step Rinse")).to_be_focused()
    expect(tab.panel().get_by_role("heading", name="Rinse")).to_be_visible()
    keyboard.press("ArrowRight")
    expect(tab.box("Step Label")).to_be_focused()
    keyboard.press("Enter")
    expect(tab.panel().get_by_role("heading", name="Label")).to_be_visible()
    keyboard.press("Escape")
    expect(tab.panel()).to_have_count(0)
    tab.box("Step Prepare baskets").press("o")
    expect(tab.box("Step Label")).to_have_count(0)


def export_picture(tab: CwlTab, folder: Path) -> None:
    """As a drawing that any program reads, and as an image."""
    for form in ("svg", "png"):
        with tab.ui.page.expect_download() as download:
            tab.inside.get_by_role("button", name="Export").click()
            tab.inside.get_by_role("menuitem", name=f"Picture as {form.upper()}").click()
        file = folder / f"harvest.{form}"
        download.value.save_as(file)
        if form == "svg":
            words = "".join(ElementTree.parse(file).getroot().itertext())  # noqa: S314
            assert "Gather fruit" in words
            assert "plum" in words
        else:
            assert file.read_bytes().startswith(b"\x89PNG")


def open_task_page(tab: CwlTab) -> None:
    """Out of the frame, to the page of the very task instance."""
    tab.box("Step Gather fruit").click()
    expect(tab.items().get_by_role("option", selected=True)).to_contain_text("plum")
    link = tab.panel().get_by_role("link", name="Airflow task")
    expect(link).to_have_attribute("href", re.compile(r"/tasks/gather/mapped/2$"))
    link.click()
    tab.ui.page.wait_for_url("**/tasks/gather/**")


def check_missing_run(tab: CwlTab) -> None:
    """It says so, and where the others are."""
    tab.ui.open(f"/mlcraft/pages/view.html?dag_id={HARVEST}&run_id=of_yesterday")
    page = tab.ui.page
    expect(page.get_by_role("status").filter(has_text="There is nothing to show of this run.")).to_be_visible()
    expect(page.get_by_role("link", name="All runs")).to_be_visible()


def log_in_again(tab: CwlTab, run_id: str) -> None:
    """The picture stays; after the login one is back at it."""
    page = tab.ui.page
    address = f"/mlcraft/pages/view.html?dag_id={HARVEST}&run_id={quote(run_id)}"
    tab.ui.open(address)
    expect(page.get_by_role("group", name="The workflow Harvest")).to_be_visible()
    page.context.clear_cookies()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    expect(page.get_by_role("button", name="Gather fruit")).to_be_visible()
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Username").fill(tab.ui.site.user)
    page.get_by_label("Password").fill(tab.ui.site.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("group", name="The workflow Harvest")).to_be_visible()
