"""The web page in a browser: predictions, charts, API key and errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.conftest import LiveServer, live_server

pytestmark = pytest.mark.browser
ModelOf = Callable[[str], Path]


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of a browser, which collects errors of its console."""
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)))
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page: Any = browser.new_page(color_scheme=request.param, viewport={"width": 1100, "height": 900})
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.complaints = complaints
        yield page
        browser.close()


def test_a_prediction_and_a_mistake(page: Any, people_server: LiveServer) -> None:
    page.goto(people_server.url)
    page.get_by_label("age").fill("44")
    page.get_by_role("button", name="Predict").click()
    page.locator("#answer strong").wait_for()
    assert page.locator("#answer strong").inner_text() in ("yes", "no")
    assert page.locator("#answer meter").count() == 2
    assert '"age":44' in page.locator("#curl").text_content()
    page.locator("#counts tr").first.wait_for()
    assert page.locator("#traffic rect").count() == 60
    assert page.complaints == []
    page.get_by_label("age").fill("44.5")
    page.get_by_role("button", name="Predict").click()
    page.locator("#answer .bad").wait_for()
    assert "expected a whole number" in page.locator("#answer").inner_text()
    assert page.locator("[aria-invalid=true]").count() == 1


def test_every_field_has_a_name_and_nothing_overflows(page: Any, people_server: LiveServer) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(people_server.url)
    page.locator("#fields input").first.wait_for()
    unnamed = page.evaluate("[...document.querySelectorAll('input, select')].filter(i => !i.labels.length).length")
    assert unnamed == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_page_prompts_for_the_api_key(page: Any, tmp_path: Path, model_of: ModelOf) -> None:
    with live_server(tmp_path, model_of("small_forest"), MLCRAFT_API_KEY="s3cret") as server:
        page.goto(server.url)
        page.get_by_label("API key").fill("s3cret")
        page.get_by_role("button", name="Use it").click()
        page.locator("#fields input").first.wait_for()
        page.get_by_role("button", name="Predict").click()
        page.locator("#answer strong").wait_for()
