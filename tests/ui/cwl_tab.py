"""The CWL tab of a DAG or a run, as a person uses it."""

from __future__ import annotations

import re
from urllib.parse import quote

from playwright.sync_api import Locator, expect

from .framed_page import FramedPage


class CwlTab(FramedPage):
    """The drawing, and the panel beside it."""

    def open(self, dag_id: str, run_id: str | None = None) -> None:
        """Go to a DAG or a run, and press the tab."""
        self.ui.open(f"/dags/{dag_id}" if run_id is None else f"/dags/{dag_id}/runs/{quote(run_id)}")
        self.ui.page.get_by_role("link", name="CWL", exact=True).click()
        expect(self.picture()).to_be_visible()

    def picture(self) -> Locator:
        """The whole drawing."""
        return self.inside.get_by_role("group", name=re.compile("^The workflow "))

    def box(self, words: str) -> Locator:
        """The step, input or output that begins with these words."""
        return self.inside.locator(".box-label").and_(
            self.inside.get_by_role("button", name=re.compile(f"^{re.escape(words)}"))
        )

    def node(self, words: str) -> Locator:
        """All that is drawn of it."""
        return self.inside.locator(".react-flow__node").filter(has=self.box(words))

    def panel(self) -> Locator:
        """What is beside the drawing."""
        return self.inside.get_by_role("complementary")

    def items(self) -> Locator:
        """The items of a scatter, in the panel."""
        return self.panel().get_by_role("listbox", name="Items")

    def section(self, title: str) -> Locator:
        """A part of the panel."""
        return self.panel().locator(".section").filter(has=self.inside.get_by_role("heading", name=title, exact=True))
