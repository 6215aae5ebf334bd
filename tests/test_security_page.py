"""The page about security: each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from airflow_mlcraft import settings

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_each_test_that_the_page_names_is_there(file: str, name: str) -> None:
    tree = ast.parse((PROJECT / file).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_section_names_its_tests() -> None:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        assert section.startswith("What is not covered") or "*Proof:* `tests/" in section, section.splitlines()[0]


def test_the_page_names_the_settings() -> None:
    for name in ("run_code", "allow_job_requirements", "private_addresses", *settings.SETTINGS):
        if name.startswith("allowed_") or name in ("run_code", "allow_job_requirements", "private_addresses"):
            assert name in settings.SETTINGS
            assert f"`{name}" in PAGE, name
