"""Tests of the relative paths of a document, and of their rewriting when it moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.library.references import find_references, move_references

WORKFLOWS = sorted(Path(__file__).parents[2].glob("cwl/*/*.cwl"))
TEXT = """\
# 😀 run: not/this.cwl
steps:
  a: {run: tools/a.cwl, in: {}}   # comment
  b:
    run: "../b c.cwl#main"
  c: {run: '#inside'}
  d: {run: https://example.org/d.cwl}
inputs:
  file: {type: File, default: {class: File, location: data/a%20b.txt}}
  text: {type: string, default: {location: not/this.txt}}
hints:
- {class: "mlcraft:Dag", run: not/this.cwl}
doc: {$include: doc.md}
"""


def test_what_is_a_reference() -> None:
    found = [(each.field, each.target, each.fragment) for each in find_references(TEXT, "x/y.cwl")]
    assert found == [
        ("run", "x/tools/a.cwl", ""),
        ("run", "b c.cwl", "#main"),
        ("location", "x/data/a b.txt", ""),
        ("$include", "x/doc.md", ""),
    ]


def test_a_move_changes_the_paths_alone() -> None:
    text = move_references(TEXT, "x/y.cwl", "y.cwl")
    expected = TEXT
    for old, new in (
        ("run: tools/a.cwl", "run: x/tools/a.cwl"),
        ('"../b c.cwl#main"', '"b c.cwl#main"'),
        ("location: data/a%20b.txt", "location: x/data/a b.txt"),
        ("$include: doc.md", "$include: x/doc.md"),
    ):
        expected = expected.replace(old, new)
    assert text == expected


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_there_and_back_is_the_same_text(path: Path) -> None:
    name = f"{path.parent.name}/{path.name}"
    text = path.read_text()
    assert move_references(text, name, f"{path.parent.name}/other.cwl") == text
    away = move_references(text, name, "far/away/x.cwl")
    assert move_references(away, "far/away/x.cwl", name) == text


@pytest.mark.parametrize("text", ["", "[", "a: [", "just text", "[" * 10_000])
def test_what_is_no_document_has_none(text: str) -> None:
    assert find_references(text, "a.cwl") == []
    assert move_references(text, "a.cwl", "b/c.cwl") == text
