"""The workflow builder, as a person uses it."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from .framed_page import FramedPage
from .web_ui import WebUI


class BuilderPage(FramedPage):
    """The list of documents, and a document that is edited."""

    def __init__(self, ui: WebUI) -> None:
        super().__init__(ui)
        self.keyboard = ui.page.keyboard

    def open(self) -> None:
        """By Airflow's own navigation."""
        self.ui.open("/")
        self.ui.page.get_by_role("link", name="Workflows").click()
        expect(self.inside.get_by_role("heading", name="Workflows", exact=True, level=1)).to_be_visible()

    def open_document(self, label: str) -> None:
        """One of the list."""
        self.open()
        self.inside.get_by_role("searchbox").fill(label)
        self.inside.locator(".card").filter(has=self.inside.get_by_text(label, exact=True)).first.click()
        expect(self.inside.get_by_role("button", name="More", exact=True)).to_be_visible()

    def new(self, path: str) -> None:
        """An empty workflow."""
        self.inside.get_by_role("button", name="New workflow").click()
        self.dialog().get_by_label("Path in the folder").fill(path)
        self.expect_no_faults()
        self.keyboard.press("Enter")
        expect(self.inside.get_by_text("Drag a tool in")).to_be_visible()

    def dialog(self) -> Locator:
        """The window over the page."""
        return self.inside.get_by_role("dialog")

    def form(self) -> Locator:
        """Beside the picture."""
        return self.inside.get_by_role("complementary")

    def search(self, words: str) -> Locator:
        """Search the palette; what is found first."""
        field = self.inside.get_by_role("searchbox", name="Search tools")
        field.fill(words)
        return self.inside.locator(".palette-entry").first

    def box(self, key: str) -> Locator:
        """A node by its key, such as `step:train`."""
        return self.inside.locator(f'.box-label[data-key="{key}"]')

    def smallest_gap(self) -> float:
        """Between any two boxes, across or down, in the picture's own pixels; below zero where one lies on another."""
        boxes: list[dict[str, float]] = self.frame().evaluate(
            """() => [...document.querySelectorAll('.react-flow__node')].map(node => {
                const {m41, m42} = new DOMMatrix(getComputedStyle(node).transform);
                return {x: m41, y: m42, width: node.offsetWidth, height: node.offsetHeight};
            })"""
        )

        def gap(one: dict[str, float], other: dict[str, float]) -> float:
            across = max(other["x"] - one["x"] - one["width"], one["x"] - other["x"] - other["width"])
            down = max(other["y"] - one["y"] - one["height"], one["y"] - other["y"] - other["height"])
            return max(across, down)

        return min(gap(one, other) for index, one in enumerate(boxes) for other in boxes[index + 1 :])

    def port(self, node: str, port: str) -> Locator:
        """A port that can be drawn from, or to."""
        return self.inside.locator(f'.dot[data-node="{node}"][data-port="{port}"]')

    def connections(self) -> Locator:
        """All connections."""
        return self.inside.locator(".wires .wire")

    def folded_inputs(self, node: str) -> Locator:
        """The line for the inputs of a step that are left alone."""
        return self.inside.locator(f'.port-more[data-node="{node}"]')

    def connect(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Draw a connection, by mouse; only what fits is lit while it is drawn."""
        self.start_connection(source, self.port(*target))
        expect(self.port(*target).locator("xpath=ancestor::*[contains(@class, 'fits')]")).to_have_count(1)
        self.end_connection(self.port(*target))

    def start_connection(self, source: tuple[str, str], target: Locator) -> None:
        """Draw a connection from a port to a place, and keep the mouse button down."""
        self._to(self.port(*source))
        self.ui.page.mouse.down()
        self._to(target)
        expect(self.inside.locator(".connecting")).to_be_visible()

    def end_connection(self, target: Locator) -> None:
        """End the connection that is drawn at a place."""
        self._to(target)
        self.ui.page.mouse.up()

    def _to(self, target: Locator) -> None:
        place = self.ui.find_box(target)
        self.ui.page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2, steps=5)

    def problems(self) -> Locator:
        """The list below the picture."""
        return self.inside.get_by_role("region", name="Problems")

    def saved(self) -> Locator:
        """Whether it is saved."""
        return self.inside.locator(".saved")

    def text(self) -> str:
        """The text of the document, from the editor."""
        lines = self.inside.locator(".cm-content").inner_text()
        return lines.replace("\u200b", "")

    def show_text(self) -> None:
        """In place of the form."""
        self.inside.get_by_role("button", name="YAML").click()
        expect(self.inside.locator(".cm-content")).to_be_visible()

    def show_form(self) -> None:
        """In place of the text."""
        self.inside.get_by_role("button", name="Form", exact=True).click()

    def save(self) -> None:
        """By the key."""
        self.keyboard.press("Control+s")
        expect(self.saved()).to_have_text("saved")

    def wait_for_draft(self, path: str) -> None:
        """Until the browser has what is not saved."""
        self.frame().wait_for_function("path => localStorage.getItem(`mlcraft.draft.${path}`)", arg=path)
