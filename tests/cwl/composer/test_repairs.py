"""Workflows as Rabix Composer writes them: what it leaves out is found again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_mlcraft.cwl.check import compile_plan

TOOL = {
    "cwlVersion": "v1.0",
    "class": "ExpressionTool",
    "id": "say",
    "requirements": [{"class": "InlineJavascriptRequirement"}],
    "inputs": [{"id": "word", "type": "string"}],
    "outputs": [{"id": "said", "type": "string"}],
    "expression": "${return {said: inputs.word};}",
}
WORKFLOW = {
    "cwlVersion": "v1.0",
    "class": "Workflow",
    "id": "user/project/talk/3",
    "sbg:id": "user/project/talk/3",
    "$namespaces": {"sbg": "https://www.sevenbridges.com/"},
    "inputs": [{"id": "word", "type": "string", "sbg:x": 0, "sbg:y": 0}],
    "outputs": [{"id": "say", "type": "string", "outputSource": ["say/said"], "sbg:x": 2, "sbg:y": 0}],
    "steps": [
        {
            "id": "say",
            "run": TOOL,
            "in": [{"id": "word", "source": ["word"], "valueFrom": "$(self.toUpperCase())"}],
            "out": [{"id": "said"}],
            "sbg:x": 1,
            "sbg:y": 0,
            "sbg:rdfId": "say.cwl",
        }
    ],
}


def write(folder: Path, workflow: object) -> str:
    (folder / "talk.cwl").write_text(yaml.safe_dump(workflow))
    return str(folder / "talk.cwl")


def test_the_requirements_of_expressions(tmp_path: Path) -> None:
    root = compile_plan(write(tmp_path, WORKFLOW)).root
    assert root.expression_requirements == [{"class": "InlineJavascriptRequirement"}]


@pytest.mark.parametrize("change", [{"cwlVersion": "v1.2"}, {"$namespaces": {"sbg": "https://example.org/"}}])
def test_others_say_it_themselves(tmp_path: Path, change: dict[str, object]) -> None:
    tool = {**TOOL, "cwlVersion": change.get("cwlVersion", "v1.0"), "id": "inside"}
    step = {**WORKFLOW["steps"][0], "run": tool}  # type: ignore[index]
    root = compile_plan(write(tmp_path, {**WORKFLOW, **change, "steps": [step]})).root
    assert root.expression_requirements is None


def test_a_tool_inside_with_the_id_of_its_step(tmp_path: Path) -> None:
    """The output of that id would otherwise be looked for in the tool."""
    root = compile_plan(write(tmp_path, WORKFLOW)).root
    assert [link.sources for link in root.outputs] == [("say/said",)]


def test_several_sources(tmp_path: Path) -> None:
    """Composer asks for it on account of steps alone."""
    output = {"id": "all", "type": "string[]", "outputSource": ["word", "say/said"]}
    assert compile_plan(write(tmp_path, {**WORKFLOW, "outputs": [output]})).root.outputs[0].sources == (
        "word",
        "say/said",
    )


def test_all_that_composer_may_add(tmp_path: Path) -> None:
    """Fields of its own, with files in them that nobody has."""
    file = {"class": "File", "path": "/path/to/text.ext", "size": 0, "secondaryFiles": []}
    notes = {
        "sbg:job": {"inputs": {"word": file}, "runtime": {"cores": 1, "ram": 1000}},
        "sbg:links": [{"id": "https://example.org", "label": "Home"}],
        "sbg:revisionsInfo": [{"sbg:revision": 0, "sbg:modifiedOn": 1500000000, "sbg:revisionNotes": None}],
        "sbg:validationErrors": [],
        "sbg:image_url": None,
        "sbg:toolkitVersion": "1.0",
    }
    word = {
        **WORKFLOW["inputs"][0],  # type: ignore[index]
        "sbg:fileTypes": "TXT, CSV",
        "sbg:suggestedValue": {"class": "File", "path": "568cf5dce4b0307bc0462060", "name": "text.txt"},
        "sbg:includeInPorts": True,
        "sbg:exposed": True,
    }
    step = {**WORKFLOW["steps"][0], "run": {**TOOL, **notes}, "sbg:rdfSource": "say.cwl"}  # type: ignore[index]
    hints = [{"class": "sbg:maxNumberOfParallelInstances", "value": "4"}]
    root = compile_plan(write(tmp_path, {**WORKFLOW, **notes, "inputs": [word], "steps": [step], "hints": hints})).root
    bare = compile_plan(write(tmp_path, WORKFLOW)).root
    assert [(step.id, step.links, step.outputs) for step in root.steps] == [
        (step.id, step.links, step.outputs) for step in bare.steps
    ]
    assert (root.inputs, root.outputs, root.hints) == (bare.inputs, bare.outputs, None)
