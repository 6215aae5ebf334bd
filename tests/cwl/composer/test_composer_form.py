"""Composer's form of a document: what is rewritten, what stays, and what has no words there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_mlcraft.cwl.check import compile_plan
from airflow_mlcraft.cwl.composer.form import ComposerForm, composer_form
from airflow_mlcraft.errors import DocumentError

PROJECT = Path(__file__).parents[3]
DOCUMENTS = PROJECT / "tests" / "documents"
SHIPPED = sorted((PROJECT / "cwl").glob("*/*.cwl"))

WORKFLOW = """\
cwlVersion: v1.2
class: Workflow
inputs: {word: string}
outputs:
  out: {type: string, outputSource: say/said}
steps:
  say:
    run: tool.cwl
    in: {word: word}
    out: [said]
"""
TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: echo
inputs:
  word: {type: string, inputBinding: {}}
outputs: {}
"""
EXPRESSION_TOOL = """\
cwlVersion: v1.2
class: ExpressionTool
requirements: {InlineJavascriptRequirement: {}}
inputs: {word: string}
outputs: {said: string}
expression: "${return {said: inputs.word};}"
"""


def convert(folder: Path, text: str, name: str = "document.cwl", **others: str) -> ComposerForm:
    for other, content in others.items():
        (folder / f"{other}.cwl").write_text(content)
    return composer_form(folder / name, text)


def parse_files(form: ComposerForm) -> dict[str, Any]:
    assert form.problems == ()
    return {name: yaml.safe_load(text) for name, text in form.files.items()}


@pytest.mark.parametrize("document", SHIPPED, ids=lambda path: path.stem)
def test_shipped_documents_stay_as_they_are(document: Path) -> None:
    assert composer_form(document).files == {document.name: document.read_text()}


def test_a_workflow(tmp_path: Path) -> None:
    files = parse_files(convert(tmp_path, WORKFLOW, tool=EXPRESSION_TOOL))
    assert list(files) == ["document.cwl", "document_tools/tool.cwl"]
    assert files["document.cwl"] == {
        "cwlVersion": "v1.0",
        "class": "Workflow",
        "id": "document",
        "$namespaces": {"sbg": "https://www.sevenbridges.com/"},
        "inputs": [{"id": "word", "type": "string", "sbg:x": 0, "sbg:y": 50}],
        "outputs": [{"id": "out", "type": "string", "outputSource": ["say/said"], "sbg:x": 600, "sbg:y": 50}],
        "steps": [
            {
                "id": "say",
                "run": "document_tools/tool.cwl",
                "in": [{"id": "word", "source": ["word"]}],
                "out": [{"id": "said"}],
                "sbg:x": 300,
                "sbg:y": 50,
            }
        ],
    }
    assert files["document_tools/tool.cwl"]["requirements"] == [{"class": "InlineJavascriptRequirement"}]


def test_a_form_is_its_own_form(tmp_path: Path) -> None:
    """Once converted, nothing changes any more, and tools that are in the form stay where they are."""
    form = convert(tmp_path, WORKFLOW, tool=EXPRESSION_TOOL)
    for name, text in form.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert composer_form(tmp_path / "document.cwl").files == {"document.cwl": form.files["document.cwl"]}


def test_another_folder_gets_everything(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    document = PROJECT / "cwl" / "workflows" / "text_statistics.cwl"
    form = composer_form(document, into=tmp_path / "out")
    for name, text in form.files.items():
        (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "out" / name).write_text(text)
    assert len(form.files) == 5
    there, here = compile_plan(str(tmp_path / "out" / "text_statistics.cwl")), compile_plan(str(document))
    assert [step.id for step in there.root.steps] == [step.id for step in here.root.steps]
    files = yaml.safe_load(form.files["text_statistics.cwl"])["inputs"][0]["default"]
    found = [(tmp_path / "out" / file["location"]).resolve() for file in files]
    assert found == sorted((PROJECT / "cwl" / "data").glob("*.txt"))


def test_positions_are_kept_where_all_have_one(tmp_path: Path) -> None:
    placed = WORKFLOW.replace("inputs: {word: string}", "inputs: {word: {type: string, sbg:x: 1.4, sbg:y: -7}}")
    placed = placed.replace("outputSource: say/said}", "outputSource: say/said, sbg:x: 99, sbg:y: 3}")
    placed = placed.replace("    out: [said]", "    out: [said]\n    sbg:x: 50\n    sbg:y: 5")
    placed += "$namespaces: {sbg: 'https://www.sevenbridges.com/'}\n"
    file = parse_files(convert(tmp_path, placed, tool=EXPRESSION_TOOL))["document.cwl"]
    places = [(node["sbg:x"], node["sbg:y"]) for side in ("inputs", "steps", "outputs") for node in file[side]]
    assert places == [(1, -7), (50, 5), (99, 3)]
    partly = parse_files(convert(tmp_path, placed.replace("    sbg:x: 50\n", ""), tool=EXPRESSION_TOOL))["document.cwl"]
    assert partly["steps"][0]["sbg:x"] == 300, "or Composer would arrange all of them"


def test_ids_that_composer_does_not_take(tmp_path: Path) -> None:
    odd = WORKFLOW.replace("say:", '"say it":').replace("say/said", '"say it/said"')
    odd = odd.replace("inputs: {word: string}", "inputs: {größe: string}").replace("{word: word}", "{word: größe}")
    file = parse_files(convert(tmp_path, odd, tool=EXPRESSION_TOOL))["document.cwl"]
    assert file["steps"][0]["id"] == "say_it"
    assert file["outputs"][0]["outputSource"] == ["say_it/said"]
    assert file["steps"][0]["in"] == [{"id": "word", "source": [file["inputs"][0]["id"]]}]
    assert file["inputs"][0]["id"] == "gr__e" or file["inputs"][0]["id"] == "gr_e"


def test_what_is_required_of_all_tools_is_written_into_each(tmp_path: Path) -> None:
    """Composer forgets the requirements of a workflow."""
    required = WORKFLOW + "requirements: {EnvVarRequirement: {envDef: {A: b}}, ResourceRequirement: {coresMin: 2}}\n"
    tool = TOOL.replace("outputs: {}", "outputs: {said: {type: string, outputBinding: {outputEval: $(inputs.word)}}}")
    files = parse_files(convert(tmp_path, required, tool=tool))
    assert "requirements" not in files["document.cwl"]
    assert files["document_tools/tool.cwl"]["requirements"] == [
        {"class": "EnvVarRequirement", "envDef": [{"envName": "A", "envValue": "b"}]},
        {"class": "ResourceRequirement", "coresMin": 2},
    ]


def test_later_requirements_become_hints(tmp_path: Path) -> None:
    later = "requirements: {WorkReuse: {enableReuse: false}, ToolTimeLimit: {timelimit: 5}}\n"
    ((name, tool),) = parse_files(convert(tmp_path, TOOL + later)).items()
    assert sorted(tool["hints"], key=str) == [
        {"class": "cwltool:TimeLimit", "timelimit": 5},
        {"class": "cwltool:WorkReuse", "enableReuse": False},
    ]
    assert tool["$namespaces"]["cwltool"] == "http://commonwl.org/cwltool#"
    (tmp_path / name).write_text(composer_form(tmp_path / name, TOOL + later).files[name])
    assert compile_plan(str(tmp_path / name)).root.steps[0].time_limit == 5


def test_the_defaults_of_v1_2_are_said(tmp_path: Path) -> None:
    """A container without the network, a folder without its listing: v1.0 takes the opposite for granted."""
    tool = (
        TOOL.replace("inputs:\n", "inputs:\n  folder: Directory\n")
        + "hints: {DockerRequirement: {dockerPull: busybox}}\n"
    )
    (made,) = parse_files(convert(tmp_path, tool)).values()
    assert {"class": "cwltool:NetworkAccess", "networkAccess": False} in made["hints"]
    assert {"class": "cwltool:LoadListingRequirement", "loadListing": "no_listing"} in made["hints"]


def test_types(tmp_path: Path) -> None:
    types = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [echo]
requirements:
  SchemaDefRequirement:
    types:
      - {name: person, type: record, fields: {name: string, age: int?}}
inputs:
  many: File[]?
  deep: {type: {type: array, items: {type: array, items: string}}}
  who: "#person"
  people: "#person[]"
  colour: {type: {type: enum, symbols: [red, green]}}
  text: stdin
  one_or_many: {type: [File, {type: array, items: File}, "null"]}
outputs:
  said: stdout
"""
    (made,) = parse_files(convert(tmp_path, types)).values()
    kinds = {port["id"]: port["type"] for port in (*made["inputs"], *made["outputs"])}
    fields = [{"name": "name", "type": "string"}, {"name": "age", "type": ["null", "int"]}]
    assert kinds == {
        "many": "File[]?",
        "deep": {"type": "array", "items": {"type": "array", "items": "string"}},
        "who": {"type": "record", "name": "person", "fields": fields},
        "people": {"type": "array", "items": {"type": "record", "name": "person_2", "fields": fields}},
        "colour": {"type": "enum", "name": "colour", "symbols": ["red", "green"]},
        "text": "File",
        "one_or_many": ["null", "File", {"type": "array", "items": "File"}],
        "said": "stdout",
    }
    assert made["stdin"] == "$(inputs.text.path)"
    assert "stdout" not in made and "requirements" not in made


def test_several_patterns_become_an_expression(tmp_path: Path) -> None:
    tool = TOOL.replace("outputs: {}", "outputs: {all: {type: 'File[]', outputBinding: {glob: ['*.a', '*.b']}}}")
    (made,) = parse_files(convert(tmp_path, tool)).values()
    assert made["outputs"][0]["outputBinding"]["glob"] == '$(["*.a", "*.b"])'
    assert made["requirements"] == [{"class": "InlineJavascriptRequirement"}]


def test_tools_inside_and_packed_ones(tmp_path: Path) -> None:
    inside = WORKFLOW.replace("run: tool.cwl", "run: {$import: tool.cwl}")
    assert list(convert(tmp_path, inside, tool=EXPRESSION_TOOL).files) == ["document.cwl", "document_tools/tool.cwl"]
    packed = composer_form(DOCUMENTS / "wild" / "packed_one_top.cwl")
    assert list(packed.files) == ["packed_one_top.cwl", "packed_one_top_tools/say.cwl"]


@pytest.mark.parametrize(
    ("before", "after", "line", "step", "words"),
    [
        ("    out: [said]", "    when: $(true)\n    out: [said]", 10, "say", "when of the step say"),
        (
            "outputSource: say/said}",
            "outputSource: [say/said], pickValue: first_non_null}",
            5,
            "",
            "pickValue of the output out",
        ),
        (
            "in: {word: word}",
            "in: {word: {source: [word], pickValue: first_non_null}}",
            9,
            "say",
            "pickValue of word in the step",
        ),
        ("in: {word: word}", "in: {word: {source: word, loadContents: true}}", 9, "say", "loadContents of word"),
        (
            "in: {word: word}",
            "in: {word: word, other: {default: 1}}",
            9,
            "say",
            "an input other that its tool does not have",
        ),
        ("{word: string}", "{word: string, any: [string, int]}", 3, "", "the input any takes several types"),
    ],
)
def test_what_a_workflow_would_lose(  # noqa: PLR0917
    tmp_path: Path, before: str, after: str, line: int, step: str, words: str
) -> None:
    form = convert(tmp_path, WORKFLOW.replace(before, after), tool=EXPRESSION_TOOL)
    assert form.files == {}
    (problem,) = form.problems
    assert words in problem.message
    assert (problem.path, problem.line, problem.step) == (str(tmp_path / "document.cwl"), line, step)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("requirements: {ResourceRequirement: {coresMin: 0.5}}", "coresMin is 0.5; CWL v1.0 takes whole numbers"),
        ("arguments: [{position: $(1), valueFrom: x}]", "position of an argument is an expression"),
        ("arguments: ['']", "an argument is empty"),
        (
            "requirements: {InlineJavascriptRequirement: {}, InitialWorkDirRequirement: {listing: "
            "[{entryname: a, entry: '${return [1];}'}]}}",
            "entry ${return [1];} may be a list, a number or an object",
        ),
        ("stdout: a\\$(inputs.word)", "a backslash beside an expression"),
        ("stdout: $(runtime.exitCode)", "runtime.exitCode"),
        ("intent: ['https://example.org/x']", "intent is a field of CWL v1.2"),
        (
            "hints: [{class: 'https://example.org/x', run: now}]",
            "a field run, which Composer takes for the name of a file",
        ),
    ],
)
def test_what_a_tool_would_lose(tmp_path: Path, more: str, words: str) -> None:
    form = convert(tmp_path, f"{TOOL}{more}\n")
    assert form.files == {}
    assert any(words in problem.message for problem in form.problems), form.problems


def test_an_operation(tmp_path: Path) -> None:
    form = composer_form(DOCUMENTS / "wild" / "operation.cwl")
    assert [problem.message for problem in form.problems] == [
        "Operation is a class of CWL v1.2, which Composer does not know"
    ]


def test_a_document_that_is_broken_in_itself() -> None:
    with pytest.raises(DocumentError, match="baseComand"):
        composer_form(DOCUMENTS / "broken" / "misspelt_field.cwl")


def test_a_text_that_is_not_yet_saved(tmp_path: Path) -> None:
    (tmp_path / "document.cwl").write_text("something else")
    form = convert(tmp_path, TOOL)
    assert yaml.safe_load(form.files["document.cwl"])["baseCommand"] == ["echo"]


def test_a_field_whose_prefix_is_not_declared_stays(tmp_path: Path) -> None:
    text = WORKFLOW.replace("class: Workflow\n", "class: Workflow\nsd:upstream: https://sd.example\n")
    files = parse_files(convert(tmp_path, text, tool=EXPRESSION_TOOL))
    assert files["document.cwl"]["sd:upstream"] == "https://sd.example"


def test_a_base_command_that_is_left_empty_is_none(tmp_path: Path) -> None:
    text = TOOL.replace("baseCommand: echo", "baseCommand:\narguments: [echo]")
    (tool,) = parse_files(convert(tmp_path, text)).values()
    assert "baseCommand" not in tool


COMPUTED = (
    WORKFLOW.replace("in: {word: word}", "in: {word: {source: word, valueFrom: $(self)}}")
    + "requirements: {StepInputExpressionRequirement: {}, InlineJavascriptRequirement: {}}\n"
)


@pytest.mark.parametrize("argument", ["$(inputs.word)", "$(inputs['word'])", "${ return 1; }", "$(1 + 1)"])
def test_a_form_whose_links_have_expressions_is_its_own_form(tmp_path: Path, argument: str) -> None:
    """Links with expressions let our loader find that a workflow of Composer's needs JavaScript."""
    text = COMPUTED.replace(", InlineJavascriptRequirement: {}", "") if "inputs" in argument else COMPUTED
    tool = EXPRESSION_TOOL.replace("requirements: {InlineJavascriptRequirement: {}}\n", "").replace(
        "${return {said: inputs.word};}", argument
    )
    first = convert(tmp_path, text, tool=tool)
    for name, content in first.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    document, *tools = first.files
    assert tools
    assert composer_form(tmp_path / document).files == {document: first.files[document]}


UNION = WORKFLOW.replace("{word: string}\n", "{word: string, other: {type: [int, string]}}\n")


def test_what_no_result_depends_on_may_be_lost(tmp_path: Path) -> None:
    text = UNION.replace("in: {word: word}", "in: {word: word, unread: other}")
    refused = convert(tmp_path, text, tool=EXPRESSION_TOOL)
    assert refused.files == {}
    assert all(problem.harmless for problem in refused.problems)
    form = composer_form(tmp_path / "document.cwl", text, allow_loss=True)
    assert form.problems == ()
    assert [(loss.line, loss.message.split(",")[0]) for loss in form.losses] == [
        (3, "the input other takes several types"),
        (8, "the step say has an input unread that its tool does not have"),
    ]
    written = yaml.safe_load(form.files["document.cwl"])
    assert [link["id"] for link in written["steps"][0]["in"]] == ["word"]


@pytest.mark.parametrize(
    "change",
    [
        ("in: {word: word}", "in: {word: word, read: word}\n    when: $(inputs.read != '')"),
        ("in: {word: word}", "in: {word: {source: word, valueFrom: $(inputs.read)}, read: word}"),
        ("outputSource: say/said", "outputSource: [say/said], pickValue: first_non_null"),
    ],
)
def test_what_changes_a_result_is_refused_in_any_case(tmp_path: Path, change: tuple[str, str]) -> None:
    (tmp_path / "tool.cwl").write_text(EXPRESSION_TOOL)
    text = COMPUTED.replace("in: {word: {source: word, valueFrom: $(self)}}", "in: {word: word}").replace(*change)
    form = composer_form(tmp_path / "document.cwl", text, allow_loss=True)
    assert form.files == {}
    assert not any(problem.harmless for problem in form.problems)


def test_functions_of_a_workflow_stay_in_what_is_written(tmp_path: Path) -> None:
    library = "InlineJavascriptRequirement: {expressionLib: ['function twice(x) { return x + x; }']}"
    text = COMPUTED.replace("InlineJavascriptRequirement: {}", library).replace("$(self)", "$(twice(self))")
    (tmp_path / "tool.cwl").write_text(EXPRESSION_TOOL)
    assert not composer_form(tmp_path / "document.cwl", text).files
    form = composer_form(tmp_path / "document.cwl", text, allow_loss=True)
    assert form.problems == ()
    assert "function twice" in form.files["document.cwl"]
    assert "expressionLib" in form.losses[0].message
