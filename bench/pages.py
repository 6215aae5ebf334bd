"""The pages in Airflow's web UI: seconds until a workflow of 300 steps, or an edit, is visible, and their size.

Seconds count from the navigation until all boxes and wires are drawn and two more frames have passed, in headless
Chromium; milliseconds count from a key until the end of the frame that shows its change.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from playwright.sync_api import Browser, Page

from bench.measure import ROOT, Figure, median
from tests.ui.site import Site, run_site
from tests.ui.web_ui import browser_on

STEPS, WIRES, ROUNDS, EDITS = 300, 621, 7, 15
DAG = "large.workflow"
_PAGES = ROOT / "airflow_mlcraft" / "plugin" / "pages"
_LAYERS = 20
_EDITS = {
    "move": "moving a step",
    "rename": "renaming a step",
    "type": "typing in the YAML",
    "follow": "typing in the YAML, until the picture has followed",
}
_DRAWN = """([steps, wires]) => new Promise(drawn => {
    const look = () => {
        const there = document.querySelectorAll(".react-flow__node .step").length >= steps
            && document.querySelectorAll("path.wire").length >= wires
            && getComputedStyle(document.querySelector(".react-flow__node")).visibility === "visible";
        requestAnimationFrame(there ? () => requestAnimationFrame(() => drawn(performance.now() / 1000)) : look);
    };
    look();
})"""

_EDIT = """([edit, index]) => new Promise(shown => {
    const label = document.querySelector('[data-key="step:part_0"]');
    const box = label.closest(".react-flow__node");
    const key = (element, name, more) =>
        element.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, ...more }));
    const place = box.style.transform;
    const name = label.textContent;
    const acts = {
        move: () => key(label, "ArrowDown", { altKey: true }),
        rename: () => {
            const field = document.activeElement;
            document.execCommand("selectAll");
            document.execCommand("insertText", false, `Part ${index}`);
            start = performance.now();
            key(field, "Enter", {});
        },
        type: () => document.execCommand("insertText", false, String(index)),
        follow: () => document.execCommand("insertText", false, String(index)),
    };
    const line = document.querySelector(".cm-activeLine");
    const written = line?.textContent;
    const follows = {
        move: () => box.style.transform !== place,
        rename: () => label.textContent !== name,
        type: () => line.textContent !== written,
        follow: () => label.textContent !== name,
    };
    let start = performance.now();
    const done = () => {
        const after = new MessageChannel();
        after.port1.onmessage = () => shown(performance.now() - start);
        after.port2.postMessage(0);
    };
    const look = () => {
        if (follows[edit]()) done();
        else if (performance.now() - start > 10000) shown(Infinity);
        else requestAnimationFrame(look);
    };
    acts[edit]();
    requestAnimationFrame(look);
})"""


def figures() -> list[Figure]:
    """The figures, on a running Airflow with a user who is logged in."""
    with TemporaryDirectory(prefix="bench-pages-") as name, run_site(Path(name) / "mlcraft") as site:
        write_workflow(site.project / "cwl" / "large")
        with browser_on(site, Path(name)) as ui:
            ui.log_in()
            ui.wait_until(lambda: DAG in ui.dag_ids(), "a DAG for the workflow")
            browser = ui.page.context.browser
            assert browser is not None
            kept = ui.page.context.storage_state()
            first = [_first_visit(browser, site, kept) for _ in range(ROUNDS)]
            again = [_draw(ui.page, site) for _ in range(ROUNDS + 1)][1:]
            edits = _edits(ui.page, site)
    return [
        Figure(
            f"Seconds until a workflow of {STEPS} steps and {WIRES} wires is on the screen, the first time",
            median(first),
            "≤ 2.0",
            f"{ROUNDS} browsers that have nothing kept; the slowest {max(first):.2f} s",
        ),
        Figure(
            "the same from then on",
            median(again),
            "≤ 2.0",
            f"{ROUNDS} visits; the slowest {max(again):.2f} s",
        ),
        *(
            Figure(
                f"Milliseconds from {what} (of {STEPS} steps) to the frame that shows it",
                median(edits[edit]),
                "" if edit == "follow" else "≤ 50",
                f"{len(edits[edit])} times; the slowest {max(edits[edit]):.0f} ms",
            )
            for edit, what in _EDITS.items()
        ),
        *(
            Figure(
                f"kB that the first load of {page} takes, gzipped",
                _weight(_PAGES / page) / 1000,
                "≤ 350",
                "the page, its scripts and styles",
            )
            for page in ("view.html", "builder.html")
        ),
    ]


def write_workflow(folder: Path) -> None:
    """Write a workflow of steps in layers, each with sources in the two layers before it."""
    random = Random(4)  # noqa: S311
    tool = {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": "true",
        "inputs": {f"in_{number}": {"type": "Any?"} for number in range(4)},
        "outputs": {"out": "stdout", "log": "stderr"},
    }
    steps: list[dict[str, Any]] = [
        {"id": f"part_{number}", "label": f"Prepare part {number}", "run": "tool.cwl", "in": [], "out": ["out", "log"]}
        for number in range(STEPS)
    ]
    layer = STEPS // _LAYERS
    wires = 0
    while wires < WIRES:
        step = random.randrange(layer, STEPS)
        taken = steps[step]["in"]
        if len(taken) < 4:
            start = (step // layer) * layer
            source = random.randrange(max(0, start - 2 * layer), start)
            taken.append({"id": f"in_{len(taken)}", "source": f"part_{source}/{random.choice(('out', 'log'))}"})
            wires += 1
    workflow = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": [], "outputs": [], "steps": steps}
    folder.mkdir()
    (folder / "tool.cwl").write_text(json.dumps(tool))
    (folder / "workflow.cwl").write_text(yaml.safe_dump(workflow, sort_keys=False))


def _first_visit(browser: Browser, site: Site, kept: Any) -> float:
    """Open the page in a browser that is logged in and has nothing cached."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=kept)
    try:
        return _draw(context.new_page(), site)
    finally:
        context.close()


def _draw(page: Page, site: Site) -> float:
    page.goto(f"{site.url}/mlcraft/pages/view.html?dag_id={DAG}", wait_until="commit")
    seconds: float = page.evaluate(_DRAWN, [STEPS, WIRES])
    return seconds


def _edits(page: Page, site: Site) -> dict[str, list[float]]:
    """Measure each kind of edit, in the builder, one after the other."""
    page.goto(f"{site.url}/mlcraft/pages/builder.html?document=large/workflow.cwl")
    page.locator(".react-flow__node .step").nth(STEPS - 1).wait_for()
    page.locator('[data-key="step:part_0"]').dispatch_event("click")
    page.get_by_role("textbox", name="Label", exact=True).wait_for()
    found: dict[str, list[float]] = {}
    for edit in _EDITS:
        if edit == "type":
            page.get_by_role("button", name="YAML").click()
            page.locator(".cm-line").filter(has_text="label: Part").first.click()
            page.keyboard.press("End")
        found[edit] = []
        for index in range(EDITS):
            # The work after an edit, such as the check by the server, is not measured.
            page.wait_for_timeout(1500)
            if edit == "rename":
                page.get_by_role("textbox", name="Label", exact=True).focus()
            found[edit].append(page.evaluate(_EDIT, [edit, index]))
    return found


def _weight(page: Path) -> int:
    """The bytes that a browser requests before it draws: the files of the page, and the scripts that these import."""
    wanted, seen = [page], set[Path]()
    while wanted:
        file = wanted.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        if file.suffix == ".html":
            wanted += [file.parent / name for name in re.findall(r'(?:src|href)="\./([^"]+)"', file.read_text())]
        elif file.suffix == ".js":
            imports = re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', file.read_text())
            wanted += [file.parent / name for name in imports]
    return sum(len(gzip.compress(file.read_bytes())) for file in seen)
