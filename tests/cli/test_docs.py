"""docs/cli.md is what the command says of itself, and the tutorial names verbs and options that there are."""

from __future__ import annotations

import re
import runpy

import pytest

from airflow_mlcraft.cli.main import VERBS
from tests.project.projects import PROJECT

TUTORIAL = (PROJECT / "docs" / "tutorial.md").read_text()


def test_the_reference_is_up_to_date() -> None:
    made = runpy.run_path(str(PROJECT / "tools" / "cli_reference.py"))["reference"]()
    assert (PROJECT / "docs" / "cli.md").read_text() == made, "`make docs` writes it again"


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^\$ mlcraft ([^|\n]+)", TUTORIAL, re.MULTILINE))))
def test_the_tutorial(line: str) -> None:
    verb, *words = line.split()
    reference = (PROJECT / "docs" / "cli.md").read_text()
    assert verb in [name for name, _, _ in VERBS]
    section = reference.partition(f"## mlcraft {verb}\n")[2].partition("\n## ")[0]
    for word in words:
        assert not word.startswith("-") or f"`{word}`" in section, word
