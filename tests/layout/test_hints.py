"""The `mlcraft:Data` hints: what they name, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.cwl.plan import Link, Plan, Port, Step, ToolRef, Workflow
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.layout.hints import DataHint
from airflow_mlcraft.layout.layout import build_layout

TOOL = ToolRef(digest="0", kind="CommandLineTool")


def step(name: str, data: Any = None, **more: Any) -> Step:
    return Step(id=name, run=TOOL, outputs=("out", "other"), hints=data and {"Data": data}, **more)


def workflow(*steps: Step, data: Any = None) -> Workflow:
    return Workflow(
        id="flow",
        inputs=(Port("given", "File"),),
        outputs=(Link("result", ("one/out",)),),
        steps=steps,
        hints=data and {"Data": data},
    )


def hints_of(root: Workflow) -> tuple[DataHint, ...]:
    return build_layout(
        Plan(digest="0", root=root, document="flow.cwl", kind="Workflow", cwl_version="v1.0")
    ).data_hints


def test_outputs_and_inputs_of_the_workflow_and_outputs_of_steps() -> None:
    inner = Step(
        id="sub", run=workflow(step("deep", {"outputs": [{"output": "out", "to": "deep"}]})), outputs=("result",)
    )
    data = {"outputs": [{"output": "result", "to": "models/iris/"}], "inputs": [{"input": "given", "to": "raw.csv"}]}
    root = workflow(step("one", {"outputs": [{"output": "other", "to": "data/other"}]}), inner, data=data)
    assert hints_of(root) == (
        DataHint("", "result", "models/iris"),
        DataHint("", "given", "raw.csv", is_input=True),
        DataHint("one", "other", "data/other"),
        DataHint("sub/deep", "out", "deep"),
    )
    layout = build_layout(
        Plan(digest="0", root=root, document="flow.cwl", kind="Workflow", cwl_version="v1.0"), "group."
    )
    assert layout.version_task_id == layout.version_task_of("sub/deep") == "group.version_data"
    assert layout.version_task_of("sub") == ""
    assert str(DataHint("sub/deep", "out", "deep")) == "output out of sub/deep"


def test_without_hints_there_is_no_task() -> None:
    plan = Plan(digest="1", root=workflow(step("one")), document="flow.cwl", kind="Workflow", cwl_version="v1.0")
    assert build_layout(plan).version_task_id == build_layout(plan).version_task_of("one") == ""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"output": "x"}, r"one has the field output; expected one of outputs$"),
        ({"inputs": []}, r"one has the field inputs"),
        ({"outputs": {"out": "x"}}, r"expected `outputs: \[\{output: model, to: models/iris\}\]`"),
        ({"outputs": ["out"]}, r"one has 'out' among its outputs; expected"),
        ({"outputs": [{"output": "out"}]}, r"among its outputs; expected"),
        ({"outputs": [{"output": "out", "path": "a"}]}, r"among its outputs; expected"),
        ({"outputs": [{"output": "gone", "to": "x"}]}, r"output gone, which is none of its outputs \(out, other\)"),
        ({"outputs": [{"output": "out", "to": "../x"}]}, r"'../x' cannot be the path of out: it may not .* lead up"),
        ({"outputs": [{"output": "out", "to": "/x"}]}, r"expected a path from the repository's folder"),
        ({"outputs": [{"output": "out", "to": "x"}, {"output": "other", "to": "x/y"}]}, r"x and x/y overlap"),
        ([1], r"hint mlcraft:Data of one is \[1\]"),
    ],
)
def test_mistakes(data: Any, sentence: str) -> None:
    with pytest.raises(DocumentError, match=sentence):
        hints_of(workflow(step("one", data)))


@pytest.mark.parametrize("method", ["", "dotproduct", "flat_crossproduct"])
def test_one_scatter_is_a_folder(method: str) -> None:
    data = {"outputs": [{"output": "out", "to": "x"}]}
    assert hints_of(workflow(step("one", data, scatter=("a", "b"), scatter_method=method)))


def test_lists_of_lists_are_refused() -> None:
    data = {"outputs": [{"output": "out", "to": "x"}]}
    nested = step("one", data, scatter=("a", "b"), scatter_method="nested_crossproduct")
    around = Step(id="sub", run=workflow(step("one", data, scatter=("a",))), scatter=("b",))
    for root in (workflow(nested), workflow(around)):
        with pytest.raises(DocumentError, match="its outputs come as lists of lists"):
            hints_of(root)
    assert hints_of(workflow(Step(id="sub", run=workflow(step("one", data)), scatter=("b",))))
