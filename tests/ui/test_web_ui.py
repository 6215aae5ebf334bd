"""The whole way as a person goes it: `make up`, a browser, the form, the run, its outputs, documents that change."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect

from .site import PROJECT, run_site
from .web_ui import WebUI, browser_on

DOCUMENTS = Path(__file__).parent / "documents"
STATISTICS = "workflows.text_statistics"
GREETINGS = "workflows.greetings"
SHIPPED = {
    f"{path.parent.name}.{path.stem}"
    for name in ("tools", "workflows")
    for path in (PROJECT / "cwl" / name).glob("*.cwl")
} | {"housekeeping"}
TEXTS = ("alice_in_wonderland", "moby_dick", "pride_and_prejudice")
SHORTEST, TOP = 6, 4


@pytest.mark.browser
def test_web_ui(tmp_path: Path) -> None:
    """One server for all, as it takes half a minute to start. MLCRAFT_PICTURES is a folder for the pictures."""
    pictures = Path(os.environ.get("MLCRAFT_PICTURES") or tmp_path)
    with run_site(tmp_path / "mlcraft") as site, browser_on(site, pictures) as ui:
        folder = site.project / "cwl" / "workflows"
        letter = tmp_path / "letter.txt"

        ui.log_in()
        ui.wait_until(lambda: ui.dag_ids() == SHIPPED, "a DAG for each document")
        statistics = trigger_statistics(ui)

        # While that runs:
        shutil.copy(DOCUMENTS / "longest_words.cwl", folder)
        shutil.copy(DOCUMENTS / "greetings.cwl", folder)
        ui.wait_until(lambda: ui.dag_ids() == SHIPPED | {GREETINGS}, "a DAG for the new document alone")
        check_import_error(ui, folder / "longest_words.cwl")
        replace_text(folder / "longest_words.cwl", "count/words", "count/counts")
        ui.wait_until(lambda: "workflows.longest_words" in ui.dag_ids(), "a DAG for the mended document")
        greetings = trigger_greetings(ui, letter)

        check_statistics(ui, statistics)
        check_failed_item(ui, greetings)
        letter.write_text("Dear Bob\n")
        ui.clear()
        check_greetings(ui, greetings)

        check_new_version(ui, folder / "greetings.cwl")
        check_no_new_version(ui, folder)
        check_graph(ui, statistics)
        ui.wait_until(lambda: not ui.import_errors(), "no import error any more")


def trigger_statistics(ui: WebUI) -> str:
    """Each input has its own kind of field, with title, description and default."""
    ui.open_dag("Text statistics")
    form = ui.trigger_form()
    expect(form.locator("[name=element_texts]")).to_have_value("\n".join(f"data/{name}.txt" for name in TEXTS))
    for name, title, default, description in (
        ("shortest", "Shortest word", "5", "Words with fewer letters are left out."),
        ("top", "Words to keep", "10", "How many words the report lists."),
    ):
        field = form.get_by_role("spinbutton").and_(form.locator(f"[name=element_{name}]"))
        expect(field).to_have_value(default)
        for text in (title, description):
            expect(form.get_by_text(text, exact=True)).to_be_visible()
    for text in ("Texts", "Plain texts."):
        expect(form.get_by_text(text, exact=True)).to_be_visible()
    form.locator("[name=element_shortest]").fill(str(SHORTEST))
    form.locator("[name=element_top]").fill(str(TOP))
    form.get_by_text("Words to keep").click()
    form.get_by_role("button", name="Trigger", exact=True).scroll_into_view_if_needed()
    ui.picture("trigger_form")
    return ui.trigger(form)


def check_import_error(ui: WebUI, document: Path) -> None:
    """One error, under the document's own name, with file, line and a sentence."""
    name = f"cwl/workflows/{document.name}"
    ui.wait_until(lambda: list(ui.import_errors()) == [name], "an import error for the broken document alone")
    errors = ui.open_import_errors()
    errors.get_by_role("button", name=name).click()
    for text in (f'File "{document}", line 10', "outputSource: count/words", "unknown identifier 'count/words'"):
        expect(errors).to_contain_text(text)
    ui.picture("import_error")


def replace_text(document: Path, old: str, new: str) -> None:
    """Edit a document."""
    text = document.read_text()
    assert old in text
    document.write_text(text.replace(old, new))


def trigger_greetings(ui: WebUI, letter: Path) -> str:
    """A list of strings is written one a line, an enum is chosen, and what has no default must be filled in."""
    ui.open_dag("Greetings")
    form = ui.trigger_form()
    people = form.locator("textarea[name=element_people]")
    expect(people).to_have_value("Ada\nBob")
    expect(form.get_by_text("This field is required")).to_be_visible()
    expect(form.get_by_role("button", name="Trigger", exact=True)).to_be_disabled()
    form.locator("input[name=element_letter]").fill(str(letter))
    people.fill("Zoë\nBob")
    form.locator("#element_manner").click()
    ui.page.get_by_role("option", name="loudly").click()
    expect(form.locator("input[name=element_manner]")).to_have_value("loudly")
    return ui.trigger(form)


def check_statistics(ui: WebUI, run_id: str) -> None:
    """The run is green, its items have names, its log says what was run, its outputs are right."""
    tasks = ui.wait_for(STATISTICS, run_id, "success")
    assert {task["state"] for task in tasks.values()} == {"success"}
    for step in ("count_words", "measure_text"):
        names = [tasks[step, index]["rendered_map_index"] for index in range(len(TEXTS))]
        assert names == [f"{index} · {text}.txt" for index, text in enumerate(TEXTS)]
    assert len(tasks) == 12

    ui.open_task(STATISTICS, run_id, "count_words/mapped")
    ui.page.get_by_role("link", name="1 · moby_dick.txt").first.click()
    for text in ("tr -cs '[:alpha:]'", f"grep -E '^.{{{SHORTEST},}}'", "moby_dick.words.txt", "exit code 0"):
        expect(ui.page.get_by_test_id("virtualized-list")).to_contain_text(text)
    ui.page.keyboard.press("w")  # wraps lines
    ui.picture("task_log")

    ui.open_task(STATISTICS, run_id, "outputs/xcom")
    ui.page.get_by_role("button", name="Expand all").click()
    expect(ui.page.get_by_role("row").filter(has_text="return_value")).to_contain_text("report.txt")
    outputs = ui.outputs(STATISTICS, run_id)
    texts = [(ui.site.project / "cwl" / "data" / f"{name}.txt").read_text() for name in TEXTS]
    assert path_of(outputs["report"]).read_text() == most_frequent(texts)
    assert [path_of(file).name for file in outputs["counts"]] == [f"{name}.words.txt" for name in TEXTS]
    assert outputs["total_words"] == sum(len(text.split()) for text in texts)
    assert outputs["longest"] == max(zip(texts, TEXTS, strict=True), key=lambda text: len(text[0].split()))[1].replace(
        "_", " "
    )


def check_graph(ui: WebUI, run_id: str) -> None:
    """A task for each step; beside it the items of a scattered one."""
    ui.open(f"/dags/{STATISTICS}/runs/{run_id}")
    expect(ui.page.get_by_text("Success", exact=True).first).to_be_visible()
    ui.show_graph()
    ui.page.locator(".react-flow__node").filter(has_text="count_words [3]").click()
    ui.page.get_by_role("button", name="sort").filter(has_text="Map Index").click()
    rows = ui.page.get_by_role("row").filter(has_text=".txt")
    expect(rows).to_contain_text([f"{index} · {text}.txt" for index, text in enumerate(TEXTS)])
    ui.widen_details()
    ui.picture("run_graph")


def most_frequent(texts: list[str]) -> str:
    """The report as it has to be."""
    words = Counter(word for text in texts for word in re.findall("[a-z]+", text.lower()) if len(word) >= SHORTEST)
    ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{count} {word}\n" for word, count in ranked[:TOP])


def path_of(file: dict[str, str]) -> Path:
    """Where a File of the outputs is."""
    return Path(unquote(urlsplit(file["location"]).path))


def check_failed_item(ui: WebUI, run_id: str) -> None:
    """One item has failed, and its log says why; the others have not."""
    tasks = ui.wait_for(GREETINGS, run_id, "failed")
    states = {tasks["greet", index]["rendered_map_index"]: tasks["greet", index]["state"] for index in range(2)}
    assert states == {"0 · Zoë": "success", "1 · Bob": "failed"}
    assert tasks["outputs", -1]["state"] == "upstream_failed"
    ui.open_task(GREETINGS, run_id, "greet/mapped/1")
    for text in (
        "[stdout] Bob is greeted loudly",
        "[stderr] cat: ",
        "the tool of greet failed with exit code 1",
    ):
        expect(ui.page.get_by_test_id("virtualized-list")).to_contain_text(text)


def check_greetings(ui: WebUI, run_id: str) -> None:
    """After clearing, the run is as one that never failed, and what had gone well was not done again."""
    tasks = ui.wait_for(GREETINGS, run_id, "success")
    assert {task["state"] for task in tasks.values()} == {"success"}
    assert [tasks["greet", index]["try_number"] for index in range(2)] == [1, 2]
    greetings = [path_of(file).read_text() for file in ui.outputs(GREETINGS, run_id)["greetings"]]
    assert greetings == ["Hello Zoë, loudly\n", "Hello Bob, loudly\n"]
    ui.open_task(GREETINGS, run_id, "greet/mapped/1")
    expect(ui.page.get_by_text("Success", exact=True).first).to_be_visible()


def check_new_version(ui: WebUI, document: Path) -> None:
    """A document that is edited after a run is a new version of its DAG."""
    assert ui.versions(GREETINGS) == [1]
    replace_text(document, "Hello", "Good day")
    ui.wait_until(lambda: ui.versions(GREETINGS) == [1, 2], "a new version of the edited document's DAG")
    ui.open_dag("Greetings")
    expect(ui.page.get_by_text("v2", exact=True).first).to_be_visible()


def check_no_new_version(ui: WebUI, folder: Path) -> None:
    """The same bytes are no new version, however often they are read."""
    for document in folder.iterdir():
        document.touch()
    seen = {parsed_at(ui)}

    def has_two_more_parses() -> bool:
        seen.add(parsed_at(ui))
        return len(seen) > 2

    ui.wait_until(has_two_more_parses, "two more parses of the DAG file")
    assert ui.versions(GREETINGS) == [1, 2]
    assert ui.versions(STATISTICS) == [1]


def parsed_at(ui: WebUI) -> str:
    """When the DAG file was read last."""
    time: str = ui.get_json(f"dags/{STATISTICS}")["last_parsed_time"]
    return time
