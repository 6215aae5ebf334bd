"""The builder for one who may only look, in a folder that cannot be written to, and with unusual documents."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, expect

from tests.plugin.site import Site
from tests.ui import site as web_site
from tests.ui.builder_page import BuilderPage
from tests.ui.web_ui import browser_on

pytestmark = pytest.mark.browser
MAY_LOOK = "You may look at this document, and not change it"


@contextmanager
def builder_of(user: str, site: Site, pictures: Path) -> Iterator[BuilderPage]:
    """The page, for one who has logged in."""
    seen = web_site.Site(site.url, user, f"password of {user}", "", site.home)
    with browser_on(seen, pictures) as ui:
        ui.log_in()
        yield BuilderPage(ui)


def test_a_viewer_sees_and_cannot_change(site: Site, tmp_path: Path) -> None:
    file = site.documents / "greetings.cwl"
    before = file.read_bytes()
    with builder_of("viewer", site, tmp_path) as builder:
        builder.open_document("Greetings")
        expect(builder.inside.get_by_text(MAY_LOOK)).to_be_visible()
        box = builder.inside.locator('.box-label[data-key^="step:"]').first
        box.click()
        expect(builder.form().get_by_role("textbox", name="Label")).to_be_disabled()
        builder.keyboard.press("Delete")
        builder.keyboard.press("Control+s")
        expect(box).to_be_visible()
        expect(builder.inside.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    assert file.read_bytes() == before


def test_a_read_only_folder_keeps_ones_work(site: Site, tmp_path: Path) -> None:
    with builder_of("admin", site, tmp_path) as builder:
        builder.open_document("Greetings")
        builder.inside.locator('.box-label[data-key^="step:"]').first.click()
        label = builder.form().get_by_role("textbox", name="Label")
        label.fill("Hello to all")
        label.press("Enter")
        with read_only(site.documents):
            builder.keyboard.press("Control+s")
            expect(builder.inside.get_by_role("alert").filter(has_text="read-only")).to_be_visible()
            expect(builder.saved()).to_have_text("not saved")
            expect(label).to_have_value("Hello to all")
        builder.keyboard.press("Control+s")
        expect(builder.saved()).to_have_text("saved")
    assert "Hello to all" in (site.documents / "greetings.cwl").read_text()


def test_types_without_a_short_form_are_told_in_words(site: Site, tmp_path: Path) -> None:
    with builder_of("admin", site, tmp_path) as builder:
        builder.open_document("Choices")
        train = builder.search("tools/train")
        expect(train).to_have_attribute("title", re.compile(r"estimator: enum estimator \| string, "))
        builder.inside.get_by_role("button", name="Run", exact=True).click()
        expect(builder.dialog()).to_contain_text("Run Choices")
        for name, words in (("size", "enum size"), ("colour", "enum colour?"), ("number", "int | string")):
            expect(builder.dialog().locator("label").filter(has_text=name).locator("code")).to_have_text(words)
        builder.dialog().get_by_label("size").select_option("large")


def test_nothing_of_a_document_runs(site: Site, tmp_path: Path) -> None:
    lines: list[str] = []

    def record_dialog(dialog: Dialog) -> None:
        lines.append(dialog.message)
        dialog.dismiss()

    with builder_of("admin", site, tmp_path) as builder:
        builder.ui.page.on("dialog", record_dialog)
        builder.open_document('<script>alert("label")</script>')
        expect(builder.form()).to_contain_text('<img src=x onerror=alert("doc")>')
        builder.inside.locator('.box-label[data-key^="step:"]').first.click()
        builder.inside.locator('.box-label[data-key^="input:"]').first.click()
        builder.inside.get_by_role("button", name="YAML").click()
        expect(builder.inside.locator(".cm-content")).to_contain_text("onerror")
        builder.ui.open("/dags/hostile/plugin/cwl")
        builder.inside.locator('.box-label[data-key^="step:"]').first.click()
        expect(builder.inside.get_by_text('<script>alert("label")</script>').first).to_be_visible()
    assert lines == []


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """For root too, who may write wherever the file system lets anybody."""
    if os.geteuid() != 0:
        mode = folder.stat().st_mode
        folder.chmod(0o555)
        try:
            yield
        finally:
            folder.chmod(mode)
        return
    mounted = subprocess.run(["mount", "--bind", str(folder), str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this root may mount nothing: {mounted.stderr.decode().strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
