"""What a run may use, by where it runs and by what its document says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException
from airflow.sdk import Context

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.errors import MlcraftError, RefusedError
from airflow_mlcraft.operators.ml import MlStepOperator, find_operator_class
from airflow_mlcraft.operators.permissions import (
    build_permissions,
    check_job_requirements,
    check_run_inputs,
    is_own_machine,
    record_document_code,
)
from airflow_mlcraft.operators.run_inputs import CwlInputsOperator
from airflow_mlcraft.store.store import Store
from tests.operators.embedded import DOCUMENTS, fork_server

WORKFLOW = """
cwlVersion: v1.2
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}, StepInputExpressionRequirement: {}}
inputs:
  code: {type: File, default: {class: File, location: own.py}}
  source: {type: string, default: "https://api.example/data.csv"}
  free: string?
outputs: []
steps:
  inner:
    run:
      class: Workflow
      inputs: {connection: {type: string, default: warehouse}}
      outputs: []
      steps: []
    in: {}
    out: []
  tool:
    run:
      class: CommandLineTool
      inputs: {key: {type: string, default: TOOL_KEY}, text: string, file: File?}
      outputs: []
      baseCommand: echo
      arguments: [--fixed, {valueFrom: "$(inputs.key)"}]
    in:
      text: {valueFrom: constant}
      key: {source: free, valueFrom: "$('from an expression')"}
      file: {default: {class: File, location: table.csv}}
    out: []
"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "documents" / "flow.cwl"
    path.parent.mkdir()
    path.write_text(WORKFLOW)
    (path.parent / "own.py").write_text("print('own')\n")
    (path.parent / "table.csv").write_text("a\n1\n")
    return path


@pytest.fixture
def plan(document: Path, tmp_path: Path) -> Any:
    return PlanCache(tmp_path / "cache").get_plan(document)


def test_a_task_knows_whether_it_is_on_a_server(tmp_path: Path) -> None:
    """A local path, requirements, and an address of this machine: all of it is refused on a server."""
    assert not is_own_machine()
    (tmp_path / "a.txt").write_text("some words\n")
    job = {
        "text": {"class": "File", "location": (tmp_path / "a.txt").as_uri()},
        "cwl:requirements": [{"class": "ToolTimeLimit", "timelimit": 300}],
    }
    assert fork_server().run(tmp_path / "run", "count_lines/count_lines.cwl", job).state == "success"


def test_what_a_document_names(plan: Any, document: Path, tmp_path: Path) -> None:
    tool = PlanCache(tmp_path / "cache").tool(next(step.run.digest for step in plan.root.steps if step.id == "tool"))
    found = build_permissions(plan, tool)
    assert not found.everything
    assert {"https://api.example/data.csv", "warehouse", "constant", "TOOL_KEY", "--fixed"} <= set(found.known)
    assert not {"$(inputs.key)", "from an expression", "free"} & set(found.known)
    assert set(found.code) == {str(document.parent / name) for name in ("own.py", "table.csv")}
    found.check_secret("TOOL_KEY", "https://api.example/other.csv")
    with pytest.raises(RefusedError):
        found.check_secret("TOOL_KEY", "https://evil.example/other.csv")


def test_files_of_a_run(plan: Any, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    permissions = build_permissions(plan)
    own = {"class": "File", "location": (document.parent / "own.py").as_uri()}
    check_run_inputs({"a": own, "b": {"class": "File", "basename": "x", "contents": ""}}, permissions)
    check_run_inputs({"a": {"class": "File", "location": "store://md5/" + "0" * 32}}, permissions)
    for wrong in (
        {"class": "File", "location": "file:///etc/passwd"},
        {"class": "File", "path": "/etc/passwd"},
        {"class": "File", "location": "FILE:///etc/passwd"},
        {"class": "File", "location": "local:/etc/passwd"},
        {"class": "Directory", "location": document.parent.as_uri()},
        {**own, "secondaryFiles": [{"class": "File", "location": "file:///etc/passwd"}]},
        {"class": "File", "location": "http://127.0.0.1/x"},
    ):
        with pytest.raises(RefusedError, match="input 'a'"):
            check_run_inputs({"a": [wrong]}, permissions)
    monkeypatch.setenv("AIRFLOW__MLCRAFT__ALLOWED_PATHS", str(tmp_path))
    check_run_inputs({"a": {"class": "Directory", "location": document.parent.as_uri()}}, build_permissions(plan))


def test_what_a_task_group_is_given_is_its_authors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tasks of the DAG hand it over; the same file in a run's form is refused."""
    for name, value in {"STORE": tmp_path / "store", "CACHE": tmp_path / "cache", "TRACKING": "never"}.items():
        monkeypatch.setenv(f"AIRFLOW__MLCRAFT__{name}", str(value))
    (tmp_path / "a.txt").write_text("of the worker\n")
    given = {"text": {"class": "File", "location": (tmp_path / "a.txt").as_uri()}}
    document = DOCUMENTS / "count_lines" / "count_lines.cwl"
    plan = PlanCache(tmp_path / "cache").get_plan(document)
    result = {"task_id": "inputs", "plan": plan.digest, "base": plan.base, "document": str(document)}
    made = CwlInputsOperator(**result, inputs=given).execute(Context(ti=None))  # type: ignore[typeddict-item]
    assert made["text"]["location"].startswith("store:")
    run = SimpleNamespace(conf=given)
    with pytest.raises(AirflowException, match="allowed_paths"):
        CwlInputsOperator(**result).execute(Context(params={}, dag_run=run))  # type: ignore[arg-type]


@pytest.mark.parametrize(("hint", "limited"), [("hints: {mlcraft:Retrieve: {}}", True), ("", False)])
def test_the_hint_of_a_step_is_what_limits_it(hint: str, limited: bool, tmp_path: Path) -> None:
    """A tool without one is a program like any other: it does what its author wrote."""
    (tmp_path / "tool.cwl").write_text(
        'cwlVersion: v1.2\nclass: CommandLineTool\n$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}\n'
        f"{hint}\ninputs: []\noutputs: []\nbaseCommand: [mlcraft-step, retrieve]\n"
    )
    (step,) = PlanCache(tmp_path / "cache").get_plan(tmp_path / "tool.cwl").root.steps
    assert issubclass(find_operator_class(step), MlStepOperator) is limited


def test_requirements_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    check_job_requirements([])
    with pytest.raises(RefusedError, match=r"InitialWorkDirRequirement.*allow_job_requirements"):
        check_job_requirements([{"class": "InitialWorkDirRequirement"}])
    monkeypatch.setenv("AIRFLOW__MLCRAFT__ALLOW_JOB_REQUIREMENTS", "True")
    check_job_requirements([{"class": "InitialWorkDirRequirement"}])


def test_the_documents_code_stays_its_own_when_it_is_edited(plan: Any, document: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    code = document.parent / "own.py"
    kept = tmp_path / "kept.py"
    kept.write_bytes(code.read_bytes())
    uploaded = tmp_path / "uploaded.py"
    uploaded.write_text("print('not the document's')\n")
    job = {"code": {"class": "File", "location": code.as_uri()}, "b": {"class": "File", "location": uploaded.as_uri()}}
    record_document_code(plan, job, store)
    code.write_text("print('edited')\n")
    permissions = build_permissions(plan, store=store)
    for path in (kept, code):
        permissions.check_code(path)
    with pytest.raises(RefusedError):
        permissions.check_code(uploaded)


def test_a_wrong_setting_is_named(plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PRIVATE_ADDRESSES", "maybe")
    with pytest.raises(MlcraftError, match="private_addresses is 'maybe', expected refuse or allow"):
        build_permissions(plan)
