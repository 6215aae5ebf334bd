"""The page about security: each section says which tests prove what it claims, and these tests are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from airflow_mlcraft import settings

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([\w/.]+)::(\w+)`", PAGE)))
SECTIONS = {text.splitlines()[0]: text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
HEAD = "| claim | test |\n|---|---|\n"


@cache
def names_of_tests(file: str) -> set[str]:
    """The tests of a file that pytest collects."""
    assert Path(file).name.startswith("test_")
    tree = ast.parse((PROJECT / file).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_names_is_there(file: str, name: str) -> None:
    assert name in names_of_tests(file)


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_each_section_ends_with_its_claims_and_their_tests(section: str) -> None:
    _, head, table = section.partition(HEAD)
    assert head, f"it has no table that begins with {HEAD!r}"
    for row in table.strip().splitlines():
        assert re.fullmatch(r"\| [^|]+ \| (`tests/[\w/]+\.py::test_\w+`(, )?)+ \|", row), row


def test_the_page_names_the_settings() -> None:
    for name in ("run_code", "allow_job_requirements", "private_addresses", *settings.SETTINGS):
        if name.startswith("allowed_") or name in ("run_code", "allow_job_requirements", "private_addresses"):
            assert name in settings.SETTINGS
            assert f"`{name}" in PAGE, name
