"""A page of ours within Airflow's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, FrameLocator, expect

from .web_ui import WebUI

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"


class FramedPage:
    """What is in the frame."""

    def __init__(self, ui: WebUI) -> None:
        self.ui = ui
        self.inside: FrameLocator = ui.page.frame_locator("iframe")

    def dark(self, dark: bool) -> None:
        """As Airflow's own switch does."""
        self.ui.page.evaluate("dark => document.documentElement.classList.toggle('dark', dark)", dark)
        expect(self.inside.locator("html.dark")).to_have_count(1 if dark else 0)

    def expect_no_faults(self) -> None:
        """Nothing serious, in the light and in the dark."""
        for dark in (True, False):
            self.dark(dark)
            # What appears or goes is seen through for a moment, and has another contrast then.
            self.ui.wait_until_still()
            faults = self.faults()
            assert not faults, f"{'dark' if dark else 'light'}: {faults}"

    def faults(self) -> list[Any]:
        """What axe finds serious or worse."""
        assert AXE.is_file(), "axe-core is missing: run `npm ci --prefix ui`"
        frame = self.frame()
        frame.evaluate(AXE.read_text())
        found = frame.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            (fault["id"], [node["html"] for node in fault["nodes"]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]

    def frame(self) -> Frame:
        """The frame itself."""
        address = f"{self.ui.site.url}/mlcraft/pages/"
        return next(frame for frame in self.ui.page.frames if frame.url.startswith(address))
