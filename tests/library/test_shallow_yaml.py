"""Tests of shallow reading, with all documents of the tests and with malicious ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.library.shallow_yaml import YamlLimitError, load_shallow
from airflow_mlcraft.library.summary import summarize

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_deep_values_are_refused(text: str) -> None:
    with pytest.raises(YamlLimitError, match="deeper than can be shown"):
        load_shallow(text)


def test_values_in_themselves_are_refused() -> None:
    with pytest.raises(DocumentError, match="is not YAML"):
        load_shallow("a: &a [*a, *a]\n")


def test_values_that_grow_are_refused() -> None:
    text = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(YamlLimitError, match="more values than can be shown"):
        load_shallow(text)


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\0", "a: *b", "%YAML 9.9\n---\na", "!!python/object:os.system {}", "? [a]\n: b"]
)
def test_what_is_no_yaml_is_a_sentence(text: str) -> None:
    found = summarize(text, "x/y.cwl")
    assert found.error
    assert found.name == "y"


def test_texts_stay_texts() -> None:
    assert load_shallow("{a: 1, on: yes, no: 0x10, d: 2020-01-01, e: ~}") == {
        "a": "1",
        "on": "yes",
        "no": "0x10",
        "d": "2020-01-01",
        "e": "~",
    }


@pytest.mark.parametrize("path", sorted(PROJECT.glob("cwl/*/*.cwl")), ids=lambda path: path.name)
def test_shipped_documents(path: Path) -> None:
    found = summarize(path.read_text(), path.name)
    assert not found.error
    assert found.label
    assert found.kind in ("Workflow", "CommandLineTool", "ExpressionTool")
    assert all(port["type"] for port in (*found.inputs, *found.outputs))


@pytest.mark.suite
def test_every_document_of_the_suite_is_listed(cwl_suite: Path) -> None:
    for path in sorted((cwl_suite / "tests").rglob("*.cwl")):
        found = summarize(path.read_text(errors="replace"), path.name)
        assert found.name, path
        assert bool(found.kind) != bool(found.error), path
