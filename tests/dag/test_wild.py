"""Documents of all the shapes that people give them: each is a DAG, or its error says where and why."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.mappedoperator import MappedOperator

from airflow_mlcraft import load_cwl_dags
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.errors import MlcraftError

DagSerialization = dag_serialization()

DOCUMENTS = Path(__file__).parents[1] / "documents"
TOOL = "cwlVersion: v1.0\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\n"


def load_dags(folder: Path, **options: Any) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, folder, **options)
    return {dag.dag_id: dag for dag in namespace.values()}


@pytest.fixture(scope="module")
def wild() -> dict[str, Any]:
    return load_dags(DOCUMENTS / "wild")


def test_each_is_a_dag(wild: dict[str, Any]) -> None:
    assert {dag_id: str(dag._error) for dag_id, dag in wild.items() if isinstance(dag, BrokenDocument)} == {}
    for dag in wild.values():
        DagSerialization.from_dict(DagSerialization.to_dict(dag))
    named = {dag_id for dag_id in wild if dag_id.isascii() and not dag_id.startswith("gr_")}
    assert named == {
        "condition_on_subworkflow",
        "dotted_ids",
        "foreign_hints",
        "input_to_output",
        "job_of_a_tool",
        "several.library.say",
        "several.library.shout",
        "mixed.tool_v10",
        "mixed.tool_v11",
        "mixed.versions",
        "nested_five_levels",
        "no_steps",
        "operation",
        "packed_one_top",
        "several.packed_tools.one",
        "several.packed_tools.two",
        "several.packed_tops.first",
        "several.packed_tops.second",
        "scatter_four_levels",
        "schema_def_imported",
        "schemas_on_the_web",
        "steps_without_inputs",
    }
    assert len(wild) == len(named) + 1, "the one with umlauts and spaces"


def test_depth(wild: dict[str, Any]) -> None:
    assert "level_1.level_2.level_3.level_4.level_5" in wild["nested_five_levels"].task_ids
    deepest = wild["scatter_four_levels"].get_task("level_1.level_2.level_3.level_4")
    assert isinstance(deepest, MappedOperator)


def test_in_a_task_a_process_of_a_packed_document_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "several.packed_tops.second")
    assert set(load_dags(DOCUMENTS / "wild")) == {"several.packed_tops.second"}


def test_a_process_does_not_take_the_id_of_a_document(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "wild" / "several" / "packed_tools.cwl", tmp_path / "packed.cwl")
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "one.cwl").write_text(TOOL)
    dags = load_dags(tmp_path)
    assert {"packed.one", "packed.two"} < set(dags)
    assert len(dags) == 3
    assert dags["packed.one"].plan.document == "one.cwl"


def test_bytes(tmp_path: Path) -> None:
    (tmp_path / "bom.cwl").write_bytes(b"\xef\xbb\xbf" + TOOL.encode())
    (tmp_path / "crlf.cwl").write_bytes(TOOL.replace("\n", "\r\n").encode())
    (tmp_path / "json.cwl").write_text(
        '{"cwlVersion": "v1.0", "class": "CommandLineTool", "inputs": [], "outputs": []}'
    )
    (tmp_path / "latin.cwl").write_bytes(TOOL.encode() + b"label: caf\xe9\n")
    (tmp_path / "nothing.cwl").write_bytes(b"")
    dags = load_dags(tmp_path)
    broken = {dag_id: str(dag._error) for dag_id, dag in dags.items() if isinstance(dag, BrokenDocument)}
    assert set(dags) == {"bom", "crlf", "json", "latin", "nothing"}
    assert set(broken) == {"latin", "nothing"}
    assert "latin.cwl:6" in broken["latin"]
    assert "empty" in broken["nothing"]


def test_linked_folders(tmp_path: Path) -> None:
    """Documents behind a link are found, once, however the links lead around."""
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "folder"
    for path in (elsewhere / "far.cwl", folder / "here" / "near.cwl"):
        path.parent.mkdir(parents=True)
        path.write_text(TOOL)
    (folder / "away").symlink_to(elsewhere)
    (folder / "here" / "again").symlink_to(folder)
    (elsewhere / "back").symlink_to(folder / "here")
    (folder / "gone").symlink_to("nowhere")
    assert set(load_dags(folder)) == {"away.far", "here.near"}


def test_what_airflow_refuses_is_the_documents_error(tmp_path: Path) -> None:
    (tmp_path / "good.cwl").write_text(TOOL)
    (tmp_path / "bad.cwl").write_text(
        "cwlVersion: v1.0\nclass: Workflow\ninputs: []\noutputs: []\nsteps: []\n"
        "$namespaces: {mlcraft: 'https://mlcraft.dev/cwl#'}\n"
        "hints: [{class: mlcraft:Dag, schedule: '@continuous', maxActiveRuns: 5}]\n"
    )
    dags = load_dags(tmp_path)
    assert isinstance(dags["bad"], BrokenDocument)
    assert "Airflow refuses its DAG (ValueError: Invalid max_active_runs" in str(dags["bad"]._error)
    assert not isinstance(dags["good"], BrokenDocument)


def test_parts(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"tool_{number}.cwl").write_text(TOOL)
    parts = [set(load_dags(tmp_path, part=(number, 3))) for number in (1, 2, 3)]
    assert set.union(*parts) == set(load_dags(tmp_path))
    assert sum(map(len, parts)) == 12
    assert all(parts)
    for wrong in ((0, 3), (4, 3)):
        with pytest.raises(MlcraftError, match=r"expected \(1, n\) to \(n, n\)"):
            load_dags(tmp_path, part=wrong)
