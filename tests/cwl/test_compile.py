"""Documents as plans: what is in a plan, and what its digest depends on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.compile import compile_document
from airflow_mlcraft.cwl.load import load
from airflow_mlcraft.cwl.plan import Plan, ToolRef, Workflow

DOCUMENTS = Path(__file__).parents[1] / "documents"
DIGEST = """
import sys
from pathlib import Path
from airflow_mlcraft.cwl.compile import compile_document
from airflow_mlcraft.cwl.load import load
for name in sys.argv[1:]:
    plan, tools = compile_document(load(Path(name)))
    print(plan.digest, *sorted(tools))
"""
SEVERAL = [
    "count_lines/count_lines.cwl",
    "packed.cwl",
    "packed.json",
    "records.cwl",
    "links.cwl",
    "formats/sequence.cwl",
]


def digest_of(path: Path) -> str:
    return compile_document(load(path))[0].digest


def digests(folder: Path, seed: str) -> list[str]:
    """In a process and a folder of its own."""
    shutil.copytree(DOCUMENTS, folder)
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(DOCUMENTS.parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", DIGEST, *SEVERAL],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_digest_is_the_same_in_other_folders_and_processes(tmp_path: Path) -> None:
    first = digests(tmp_path / "a", "1")
    assert len(set(first)) == len(SEVERAL)
    assert digests(tmp_path / "b c" / "ü#", "2") == first
    again = [compile_document(load(DOCUMENTS / name)) for name in SEVERAL]
    assert [" ".join([plan.digest, *sorted(tools)]) for plan, tools in again] == first


@pytest.mark.parametrize(
    ("document", "edited", "old", "new"),
    [
        ("count_lines/count_lines.cwl", "count_lines/count_lines.cwl", "plain text", "short text"),
        ("count_lines/count_lines.cwl", "count_lines/tools/count.cwl", "wc, -l", "wc, -w"),
        ("count_lines/count_lines.cwl", "count_lines/tools/count.txt", "with wc", "by hand"),
        ("count_lines/count_lines.cwl", "count_lines/tools/read.cwl", "parseInt", "parseFloat"),
        ("formats/sequence.cwl", "formats/formats.ttl", "ex:fasta", "ex:fastq"),
    ],
)
def test_the_digest_changes_with_any_file(tmp_path: Path, document: str, edited: str, old: str, new: str) -> None:
    shutil.copytree(DOCUMENTS, tmp_path / "documents")
    document_path, edited_path = tmp_path / "documents" / document, tmp_path / "documents" / edited
    before = digest_of(document_path)
    text = edited_path.read_text()
    edited_path.write_text(text.replace(old, new))
    assert edited_path.read_text() != text
    assert digest_of(document_path) != before
    edited_path.write_text(text)
    assert digest_of(document_path) == before


def test_ontologies_of_other_documents_do_not_matter(tmp_path: Path) -> None:
    """cwltool keeps one graph of all `$schemas` that a process has loaded."""
    folder = Path(shutil.copytree(DOCUMENTS / "formats", tmp_path / "formats"))
    before = digest_of(folder / "sequence.cwl")
    (folder / "other.ttl").write_text((folder / "formats.ttl").read_text().replace("ex:fasta", "ex:other"))
    (folder / "other.cwl").write_text((folder / "sequence.cwl").read_text().replace("formats.ttl", "other.ttl"))
    digest_of(folder / "other.cwl")
    assert digest_of(folder / "sequence.cwl") == before


def test_the_order_of_the_document_is_kept() -> None:
    plan, _ = compile_document(load(DOCUMENTS / "links.cwl"))
    assert [port.id for port in plan.root.inputs] == ["a", "none", "b", "list", "holes"]
    assert [link.id for link in plan.root.outputs][:3] == ["nested", "flattened", "one_flattened"]
    assert plan.root.outputs[-1].sources == ("none", "b")
    assert plan.root.outputs[-1].pick_value == "first_non_null"


def test_a_workflow_in_files() -> None:
    plan, tools = compile_document(load(DOCUMENTS / "count_lines" / "count_lines.cwl"))
    assert (plan.kind, plan.cwl_version, plan.document) == ("Workflow", "v1.2", "count_lines.cwl")
    assert (plan.root.id, plan.root.label) == ("count_lines", "Count lines")
    count, read = plan.root.steps
    assert isinstance(count.run, ToolRef) and isinstance(read.run, ToolRef)
    assert (count.run.kind, count.run.doc) == ("CommandLineTool", "Counts lines with wc.\n")
    assert (read.run.kind, read.links[0].sources) == ("ExpressionTool", ("count/printed",))
    assert {count.run.digest, read.run.digest, plan.root.interface} == set(tools)
    assert str(DOCUMENTS) not in str(plan.to_json()) + str(tools)


def test_a_bare_tool_is_a_workflow_of_one_step() -> None:
    plan, _ = compile_document(load(DOCUMENTS / "echo.cwl"))
    assert plan.kind == "CommandLineTool"
    assert [port.id for port in plan.root.inputs] == ["word", "name"]
    assert plan.root.inputs[1].default == "echoed.txt"
    (step,) = plan.root.steps
    assert (step.id, step.outputs) == ("echo", ("echoed",))
    assert plan.root.outputs[0].sources == ("echo/echoed",)


def test_packed_documents() -> None:
    plan, _ = compile_document(load(DOCUMENTS / "packed.cwl"))
    assert (plan.kind, plan.document, plan.root.id) == ("Workflow", "packed.cwl", "packed")
    tool, _ = compile_document(load(DOCUMENTS / "packed.cwl", "shout"))
    assert (tool.kind, tool.document) == ("CommandLineTool", "packed.cwl#shout")
    assert compile_document(load(DOCUMENTS / "packed.json"))[0].cwl_version == "v1.0"
    lonely, _ = compile_document(load(DOCUMENTS / "wild" / "several" / "packed_tools.cwl", "two"))
    assert lonely.document == "packed_tools.cwl#two"


def test_json_round_trip(tmp_path: Path) -> None:
    cache = PlanCache(tmp_path, allow_development=True)
    documents = [
        path for path in sorted(DOCUMENTS.rglob("*.cwl")) if path.parent.name not in ("broken", "tools", "several")
    ]
    assert len(documents) > 5
    for document in documents:
        plan = cache.get_plan(document)
        assert Plan.from_json(plan.to_json(), digest=plan.digest, base=plan.base) == plan
        assert cache.plan(plan.digest, plan.base) == plan
        for step in plan.root.steps:
            assert isinstance(step.run, Workflow) or cache.tool(step.run.digest)["class"] == step.run.kind
