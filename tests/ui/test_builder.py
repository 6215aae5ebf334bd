"""The builder: a workflow from an empty page to a green run, broken and mended, by mouse, by keyboard and as text."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .builder_page import BuilderPage
from .site import run_site
from .web_ui import browser_on

PATH = "workflows/iris.cwl"
DAG = "workflows.iris"


@pytest.mark.browser
def test_builder(tmp_path: Path) -> None:
    """One server for all. MLCRAFT_PICTURES is a folder for the pictures."""
    pictures = Path(os.environ.get("MLCRAFT_PICTURES") or tmp_path)
    with run_site(tmp_path / "mlcraft") as site, browser_on(site, pictures) as ui:
        ui.log_in()
        builder = BuilderPage(ui)
        document = site.project / "cwl" / PATH

        build(builder)
        restore_draft(builder, document)
        resize_panels(builder)
        fill_in_forms(builder)
        run(builder)
        run_with_wrong_target(builder)
        edit_the_text(builder, document)
        break_the_text(builder)
        undo_and_copy(builder)
        resolve_conflict(builder, document)
        edit_a_tool(builder)
        check_accessibility(builder)
        rename_and_delete(builder, document)
        save_after_ended_session(builder)


def build(builder: BuilderPage) -> None:
    """Three steps: one by keyboard, two dragged in; connections by mouse."""
    builder.open()
    builder.new(PATH)
    builder.keyboard.press("/")
    builder.keyboard.type("retrieve data")
    builder.keyboard.press("Enter")
    expect(builder.box("step:retrieve")).to_be_visible()
    expect(builder.problems()).to_contain_text("1 problem")
    for words, name, x in (("process data", "process", 470), ("train a model", "train", 620)):
        graph = builder.inside.locator(".graph")
        builder.search(words).drag_to(graph, target_position={"x": x, "y": 200})
        expect(builder.box(f"step:{name}")).to_be_visible()
    # The last was dropped onto another box.
    assert builder.smallest_gap() > 0
    builder.inside.get_by_role("button", name="Tidy").click()
    builder.ui.wait_until_still()
    assert builder.smallest_gap() >= 40
    builder.connect(("step:retrieve", "data"), ("step:process", "data"))
    builder.connect(("step:process", "train"), ("step:train", "train"))
    builder.connect(("step:process", "recipe"), ("step:train", "recipe"))
    expect(builder.connections()).to_have_count(3)
    expect(builder.problems()).to_contain_text("3 problems")
    connect_folded_input(builder)


def connect_folded_input(builder: BuilderPage) -> None:
    """Inputs that are left alone take one line; they show while one lingers there with a connection that fits one."""
    more = builder.folded_inputs("step:process")
    expect(more).to_have_text(re.compile(r"^\d+ more$"))
    folded = int(more.inner_text().split()[0])
    expect(builder.port("step:process", "code")).to_have_count(0)
    builder.start_connection(("step:retrieve", "record"), more)
    expect(builder.port("step:process", "code").locator("xpath=ancestor::*[contains(@class, 'fits')]")).to_have_count(1)
    builder.end_connection(builder.port("step:process", "code"))
    expect(builder.connections()).to_have_count(4)
    expect(more).to_have_text("fewer")
    builder.box("step:process").focus()
    builder.keyboard.press("o")
    expect(more).to_have_text(f"{folded - 1} more")
    builder.keyboard.press("Control+z")
    expect(builder.connections()).to_have_count(3)
    expect(more).to_have_text(f"{folded} more")


def resize_panels(builder: BuilderPage) -> None:
    """The picture has more than half of the page, and all of it where both panels are folded."""
    page, picture = builder.inside.locator(".builder"), builder.inside.locator(".builder-middle")
    width = builder.ui.find_box(page)["width"]
    assert builder.ui.find_box(picture)["width"] > 0.5 * width
    edge = builder.inside.get_by_role("separator", name="Width of the form")
    before = builder.ui.find_box(builder.form())["width"]
    edge.focus()
    builder.keyboard.press("ArrowLeft")
    builder.ui.wait_until(lambda: builder.ui.find_box(builder.form())["width"] == before + 20, "a wider form")
    builder.keyboard.press("ArrowRight")
    for name in ("the palette", "the form"):
        builder.inside.get_by_role("button", name=f"Hide {name}").click()
    expect(builder.inside.get_by_role("searchbox", name="Search tools")).to_have_count(0)
    assert builder.ui.find_box(picture)["width"] == width
    builder.expect_no_faults()
    for name in ("the palette", "the form"):
        builder.inside.get_by_role("button", name=f"Show {name}").click()
    expect(builder.form()).to_be_visible()


def restore_draft(builder: BuilderPage, document: Path) -> None:
    """Nothing has been saved, and a page that is loaded again has it all."""
    builder.wait_for_draft(PATH)
    builder.open()
    builder.inside.get_by_role("button", name=PATH).click()
    expect(builder.inside.get_by_text("Your unsaved changes are back")).to_be_visible()
    builder.inside.get_by_role("button", name="Keep them").click()
    expect(builder.connections()).to_have_count(3)
    assert not document.exists()


def fill_in_forms(builder: BuilderPage) -> None:
    """Values in the forms; a list of models by keyboard, which offers a scatter; an output."""
    builder.box("step:retrieve").click()
    set_value(builder, "source", "sklearn:iris")
    builder.box("step:process").click()
    set_value(builder, "target", "target")

    builder.box("step:train").focus()
    builder.keyboard.press("i")
    name = builder.form().get_by_role("textbox", name="Name", exact=True)
    name.fill("models")
    name.press("Enter")
    expect(builder.box("input:models")).to_be_visible()
    builder.form().get_by_role("combobox", name="Type").select_option("string")
    builder.form().get_by_role("checkbox", name="list").check()
    default = builder.form().get_by_role("textbox", name="Default")
    default.fill("- logistic_regression\n- k_neighbors")
    default.press("Control+Enter")

    builder.box("input:models").focus()
    builder.keyboard.press("c")
    expect(builder.dialog()).to_contain_text("Connect models")
    builder.keyboard.type("train/estimator")
    builder.ui.picture("builder_connect")
    builder.expect_no_faults()
    builder.keyboard.press("Enter")
    expect(builder.dialog()).to_contain_text("Run train for each item?")
    builder.expect_no_faults()
    builder.keyboard.press("Enter")
    expect(builder.inside.locator(".step-scatter")).to_contain_text("estimator")

    builder.box("step:train").click()
    outputs = builder.form().locator(".section").filter(has=builder.inside.get_by_role("heading", name="Outputs"))
    outputs.locator("summary").first.click()
    model = outputs.locator(".port-card").filter(has_text="model")
    model.get_by_role("button", name="Make an output").click()
    expect(builder.box("output:model")).to_be_visible()
    builder.box("step:train").focus()
    builder.keyboard.press("t")
    expect(builder.problems()).to_contain_text("No problems")
    builder.save()
    expect(builder.inside.locator(".toast span")).to_have_count(0)
    builder.box("step:process").click()
    builder.box("step:train").click()
    builder.ui.picture("builder")


def set_value(builder: BuilderPage, port: str, value: str) -> None:
    """A value for an input of the step whose form is open."""
    field = builder.form().get_by_role("textbox", name=f"Value of {port}", exact=True)
    field.fill(value)
    field.press("Enter")
    expect(field).to_have_value(value)


def run(builder: BuilderPage) -> None:
    """The form of the inputs, and the run in the same picture."""
    builder.box("step:train").focus()
    builder.keyboard.press("Control+Enter")
    expect(builder.dialog()).to_contain_text("Run Iris")
    expect(builder.dialog().get_by_role("textbox")).to_have_value("logistic_regression\nk_neighbors")
    builder.ui.picture("builder_run_form")
    builder.expect_no_faults()
    builder.dialog().get_by_role("button", name="Run", exact=True).click()
    state = builder.inside.get_by_role("status", name="State of the run")
    expect(state).to_contain_text("Success")
    for step in ("retrieve", "process", "train"):
        node = builder.inside.locator(".step.state-success").filter(has=builder.box(f"step:{step}"))
        expect(node).to_have_count(1)
    builder.box("step:train").click()
    expect(builder.form()).to_contain_text("k_neighbors")
    builder.ui.picture("builder_run")
    builder.expect_no_faults()


def run_with_wrong_target(builder: BuilderPage) -> None:
    """A target that the data do not have: the step is red, and its log says so."""
    builder.inside.get_by_role("button", name="Stop following").click()
    builder.box("step:process").click()
    field = builder.form().get_by_role("textbox", name="Value of target", exact=True)
    field.fill("colour")
    field.press("Enter")
    builder.inside.get_by_role("button", name="Save and run").click()
    builder.dialog().get_by_role("button", name="Run", exact=True).click()
    state = builder.inside.get_by_role("status", name="State of the run")
    expect(state).to_contain_text("process failed")
    builder.box("step:process").click()
    expect(builder.form()).to_contain_text("colour")
    builder.ui.picture("builder_failed")
    builder.inside.get_by_role("button", name="Stop following").click()


def edit_the_text(builder: BuilderPage, document: Path) -> None:
    """What is typed is drawn, what is drawn is typed; remarks stay."""
    builder.show_text()
    editor = builder.inside.locator(".cm-content")
    editor.click()
    builder.keyboard.press("Control+Home")
    builder.keyboard.type("# Iris, for a start\n")
    builder.keyboard.press("Control+f")
    builder.keyboard.type("label: Train a model")
    builder.keyboard.press("Enter")
    builder.keyboard.press("Escape")
    builder.keyboard.type("label: Learn")
    expect(builder.box("step:train")).to_have_text("Learn")
    builder.ui.picture("builder_text")
    builder.expect_no_faults()
    before = builder.inside.locator(".cm-line").all_inner_texts()
    box = builder.ui.find_box(builder.box("step:train"))
    mouse = builder.ui.page.mouse
    mouse.move(box["x"] + 20, box["y"] + 8)
    mouse.down()
    mouse.move(box["x"] + 60, box["y"] + 48, steps=5)
    mouse.up()
    expect(builder.saved()).to_have_text("not saved")
    after = builder.inside.locator(".cm-line").all_inner_texts()
    changed = [now for was, now in zip(before, after, strict=False) if was != now]
    assert len(changed) <= 2
    assert all("sbg:" in line for line in changed)
    builder.save()
    text = document.read_text()
    assert text.startswith("# Iris, for a start\ncwlVersion: v1.2\n")
    assert "label: Learn\n" in text


def break_the_text(builder: BuilderPage) -> None:
    """A text that is no YAML keeps the last picture, and says where the error is."""
    builder.inside.locator(".cm-content").click()
    builder.keyboard.press("Control+End")
    builder.keyboard.type("a: [b\nc: d")
    expect(builder.inside.get_by_text("The text has an error; this is how it looked before.")).to_be_visible()
    expect(builder.box("step:train")).to_be_visible()
    builder.inside.get_by_role("button", name="Undo").click()
    expect(builder.inside.get_by_text("The text has an error; this")).to_have_count(0)
    expect(builder.saved()).to_have_text("saved")
    builder.show_form()


def undo_and_copy(builder: BuilderPage) -> None:
    """Keys alone."""
    builder.box("step:train").click()
    builder.keyboard.press("Control+c")
    builder.keyboard.press("Control+v")
    expect(builder.box("step:train_2")).to_be_visible()
    builder.keyboard.press("Delete")
    expect(builder.box("step:train_2")).to_have_count(0)
    builder.keyboard.press("Control+z")
    expect(builder.box("step:train_2")).to_be_visible()
    builder.keyboard.press("Control+z")
    expect(builder.box("step:train_2")).to_have_count(0)
    expect(builder.saved()).to_have_text("saved")


def resolve_conflict(builder: BuilderPage, document: Path) -> None:
    """A newer version on disk is shown beside one's own; nothing is overwritten before one chooses."""
    builder.box("step:train").click()
    label = builder.form().get_by_role("textbox", name="Label")
    label.fill("Learn it")
    label.press("Enter")
    document.write_text(document.read_text().replace("label: Process data", "label: Prepare"))
    builder.keyboard.press("Control+s")
    expect(builder.dialog()).to_contain_text("changed by somebody else")
    expect(builder.dialog().get_by_text("label: Prepare")).to_be_visible()
    builder.ui.picture("builder_conflict")
    builder.expect_no_faults()
    assert "Learn it" not in document.read_text()
    builder.dialog().get_by_role("button", name="Save what is on the right").click()
    expect(builder.saved()).to_have_text("saved")
    text = document.read_text()
    assert "label: Learn it\n" in text
    assert "label: Process data\n" in text


def edit_a_tool(builder: BuilderPage) -> None:
    """The command line is shown as one types."""
    builder.open_document("Measure text")
    command = builder.inside.get_by_role("textbox", name="Command", exact=True)
    command.fill("wc --chars")
    command.press("Enter")
    expect(builder.inside.get_by_role("region", name="Command line")).to_contain_text("--chars")
    builder.ui.picture("builder_tool")
    builder.inside.get_by_role("button", name="Undo").click()
    expect(builder.saved()).to_have_text("saved")


def check_accessibility(builder: BuilderPage) -> None:
    """Neither in the light nor in the dark; dialogs are looked at where they are open."""
    builder.open()
    builder.expect_no_faults()
    builder.open_document("Measure text")
    builder.expect_no_faults()
    builder.open_document("Iris")
    builder.expect_no_faults()
    builder.dark(True)
    builder.box("step:train").click()
    builder.ui.picture("builder_dark")
    builder.expect_no_faults()


def rename_and_delete(builder: BuilderPage, document: Path) -> None:
    """A document is only deleted when one has said so twice."""
    builder.inside.get_by_role("button", name="More", exact=True).click()
    builder.expect_no_faults()
    builder.inside.get_by_role("menuitem", name="Rename").click()
    builder.dialog().get_by_label("Path in the folder").fill("workflows/flowers.cwl")
    builder.keyboard.press("Enter")
    expect(builder.inside.get_by_role("heading", name="workflows/flowers.cwl")).to_be_visible()
    assert not document.exists()
    renamed = document.with_name("flowers.cwl")
    assert renamed.exists()
    builder.inside.get_by_role("button", name="More", exact=True).click()
    builder.inside.get_by_role("menuitem", name="Delete").click()
    expect(builder.dialog()).to_contain_text("Delete workflows/flowers.cwl?")
    builder.expect_no_faults()
    assert renamed.exists()
    builder.dialog().get_by_role("button", name="Delete the document").click()
    expect(builder.inside.get_by_role("heading", name="Workflows", exact=True, level=1)).to_be_visible()
    assert not renamed.exists()


def save_after_ended_session(builder: BuilderPage) -> None:
    """What was edited is kept, and saved once one has logged in again."""
    builder.open_document("Text statistics")
    builder.box("input:top").click()
    label = builder.form().get_by_role("textbox", name="Label")
    label.fill("How many words")
    label.press("Enter")
    context = builder.ui.page.context
    cookies = context.cookies()
    context.clear_cookies()
    builder.keyboard.press("Control+s")
    expect(builder.inside.get_by_text("Your session has ended.")).to_be_visible()
    expect(builder.inside.get_by_role("button", name="Log in in a new tab")).to_be_visible()
    builder.expect_no_faults()
    context.add_cookies(cookies)  # type: ignore[arg-type]
    builder.inside.get_by_role("button", name="Save again").click()
    expect(builder.saved()).to_have_text("saved")
