"""The documentation as a site: it builds without a warning, and each page is made of what its author meant."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make site` builds."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_builds_without_a_warning(site: Path) -> None:
    assert (site / "index.html").is_file()
    assert (site / "start" / "data-scientist" / "index.html").is_file()


def test_words_can_be_searched(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text("utf-8")
    assert all(word in index for word in ("MLCRAFT_TRUSTED_TYPES", "private_addresses", "logistic_regression"))


def test_files_outside_of_docs_are_pages(site: Path) -> None:
    for page in ("changelog", "contributing", "vulnerabilities", "code-of-conduct", "results"):
        assert (site / page / "index.html").is_file()
    assert 'href="../changelog/"' in (site / "install" / "index.html").read_text("utf-8")


def test_lists_tables_and_code_are_no_paragraphs(site: Path) -> None:
    """A list needs an empty line before it in the site, which the repository's host does not ask for."""
    wrong = []
    for page in sorted(site.rglob("index.html")):
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", page.read_text("utf-8"), flags=re.DOTALL)
        article = text.partition("<article")[2].partition("</article>")[0]
        for body in re.findall(r"<(?:p|li|td)>(.*?)</(?:p|li|td)>", article, re.DOTALL):
            if re.search(r"^\s*(- |\d+\. |\||```)", body, re.MULTILINE) or "```" in body:
                wrong.append(f"{page.parent.name}: {body[:120]}")
        if re.search(r"</ol>\s*<div class=\"highlight\">", page.read_text("utf-8")):
            wrong.append(f"{page.parent.name}: code within a numbered list needs four spaces")
    assert not wrong


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//[^"]+', text), page
        assert not re.findall(r'<link[^>]+rel="(?:stylesheet|preload|icon)"[^>]+href="(?:https?:)?//[^"]+', text), page
