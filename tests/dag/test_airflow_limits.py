"""What Airflow's tables do not take never reaches them, and takes no neighbour along."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import load_cwl_dags
from airflow_mlcraft.dag.airflow_limits import column_lengths
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.library.problems import find_problems
from airflow_mlcraft.library.sandbox import DocumentAccess, Sandbox
from bench.postgres import find_programs, postgres
from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS

HEAD = """\
cwlVersion: v1.2
class: Workflow
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
"""
BODY = """\
inputs: []
outputs: []
steps:
  one:
    run: {class: CommandLineTool, baseCommand: "true", inputs: [], outputs: []}
    in: []
    out: []
"""


def dag_hint(fields: str) -> str:
    return f"hints:\n  - class: mlcraft:Dag\n    {fields}\n"


def task_hint(fields: str) -> str:
    return BODY + f"    hints:\n      - class: mlcraft:Task\n        {fields}\n"


def with_input(fields: str) -> str:
    return BODY.replace("inputs: []\n", f"inputs:\n  text:\n    {fields}\n", 1)


EVERY_MINUTE = " ".join(",".join(map(str, range(*ends))) for ends in ((60,), (24,), (1, 32), (1, 13), (7,)))
BAD = {
    "nul_label": ('label: "a\\0b"\n' + BODY, 4, "NUL"),
    "nul_doc": ("doc: |\n  Fine.\nid: main\n" + BODY.replace("one:\n", 'one:\n    doc: "a\\0b"\n', 1), 11, "NUL"),
    "nul_tag": (dag_hint('tags: ["a\\0b"]') + BODY, 6, "NUL"),
    "nul_default": (with_input('{type: string, default: "a\\0b"}'), 6, "NUL"),
    "nul_title": (with_input('{type: string, label: "a\\0b"}'), 6, "NUL"),
    "nul_owner": (dag_hint('owner: "a\\0b"') + BODY, 6, "NUL"),
    "large_default": (with_input("{type: long, default: 99999999999999999999999}"), 6, "64 bits"),
    "long_label": (f"label: {'x' * 2001}\n" + BODY, 4, "2,001 characters, and Airflow keeps at most 2,000"),
    "long_owner": (dag_hint(f"owner: {'x' * 501}") + BODY, 6, "at most 500"),
    "long_tag": (dag_hint(f"tags: [fine, {'x' * 101}]") + BODY, 6, "a tag has 101 characters, expected at most 100"),
    "long_schedule": (dag_hint(f'schedule: "{EVERY_MINUTE}"') + BODY, 6, "description of the schedule"),
    "never": (dag_hint('schedule: "0 0 30 2 *"') + BODY, 6, "no next run"),
    "no_schedule": (dag_hint("schedule: {a: b}") + BODY, 6, "expected a text"),
    "many_runs": (dag_hint("maxActiveRuns: 4294967296") + BODY, 6, "expected a whole number from 1 to 2,147,483,647"),
    "no_runs": (dag_hint("maxActiveRuns: 0") + BODY, 6, "expected 1 or more"),
    "half_a_run": (dag_hint("maxActiveRuns: 1.5") + BODY, 6, "expected a whole number"),
    "endless_runs": (dag_hint("maxActiveRuns: .inf") + BODY, 6, "maxActiveRuns"),
    "far_start": (dag_hint("startDate: 9999-12-31\n    schedule: '@daily'") + BODY, 6, "expected a day of the years"),
    "catchup": (dag_hint('catchup: "no"') + BODY, 6, "expected true or false"),
    "long_asset": (dag_hint(f"scheduleOn: ['s3://bucket/{'x' * 1500}']") + BODY, 6, "cannot exceed 1500 characters"),
    "long_pool": (task_hint(f"pool: {'x' * 257}"), 13, "at most 256"),
    "long_queue": (task_hint(f"queue: {'x' * 257}"), 13, "at most 256"),
    "many_slots": (task_hint("poolSlots: 2147483648"), 13, "poolSlots is 2147483648"),
    "many_retries": (task_hint("retries: 99999999999"), 13, "retries is 99999999999"),
    "late_retry": (task_hint("retryDelay: 1.0e12"), 13, "retryDelay"),
    "later_retry": (task_hint("retryDelay: 1.0e300"), 13, "retryDelay"),
    "unknown": (task_hint("retires: 2"), 13, "has the field retires; expected one of"),
    "many_cores": (BODY + "requirements:\n  ResourceRequirement: {coresMin: 1.0e+15}\n", 12, "poolSlots"),
}


def write_documents(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (rest, _, _) in BAD.items():
        (folder / f"{name}.cwl").write_text(HEAD + rest)
    shutil.copy(DOCUMENTS / "echo.cwl", folder / "good.cwl")
    return folder


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__MLCRAFT__CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "600")
        load_cwl_dags(namespace, write_documents(tmp_path_factory.mktemp("documents")))
    return {dag.dag_id: dag for dag in namespace.values()}


@pytest.mark.parametrize("name", BAD)
def test_a_value_that_no_column_takes_is_an_error_with_its_line(loaded: dict[str, Any], name: str) -> None:
    _, line, message = BAD[name]
    dag = loaded[name]
    assert isinstance(dag, BrokenDocument)
    error = dag._error
    assert message in str(error)
    assert (Path(error.path).name, error.line) == (f"{name}.cwl", line)  # type: ignore[attr-defined]


def test_its_neighbours_are_dags(loaded: dict[str, Any]) -> None:
    assert not isinstance(loaded["good"], BrokenDocument)
    assert len(loaded) == len(BAD) + 1


def test_a_document_whose_name_is_not_utf8_takes_no_other_along(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "echo.cwl", tmp_path / "good.cwl")
    shutil.copy(DOCUMENTS / "echo.cwl", os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.cwl"))
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, tmp_path)
    assert [dag.dag_id for dag in namespace.values()] == ["good"]


@pytest.mark.parametrize("name", ["nul_label", "long_owner", "many_runs", "never"])
def test_the_builder_says_so_as_one_saves(tmp_path: Path, name: str) -> None:
    rest, line, message = BAD[name]
    path = tmp_path / f"{name}.cwl"
    sandbox = Sandbox()
    try:
        (problem, *more) = find_problems(
            sandbox, path, HEAD + rest, name, DocumentAccess([tmp_path], cache=tmp_path / "cache")
        )
    finally:
        sandbox.close()
    assert not more
    assert message in problem.message
    assert problem.line == line


def test_the_limits_are_those_of_the_installed_airflow() -> None:
    """A column that Airflow renames would be a check that is left out without a word."""
    assert column_lengths() == {
        "display_name": 2000,
        "owner": 500,
        "owners": 2000,
        "schedule": 1000,
        "tag": 100,
        "asset": 1500,
        "dag_id": 250,
        "task_id": 250,
        "task_display_name": 2000,
        "pool": 256,
        "queue": 256,
    }


STORE = """
import json
from airflow.utils.db import initdb
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
if {migrate}:
    initdb()
manager = DagBundlesManager()
manager.sync_bundles_to_db()
(bundle,) = manager.get_all_dag_bundles()
bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
sync_bag_to_db(bag, bundle.name, bundle.version)
with create_session() as session:
    stored = sorted(session.query(DagModel.dag_id).filter(DagModel.is_stale.is_(False)))
print("\\n" + json.dumps([dag_id for dag_id, in stored]))
"""


@pytest.mark.skipif(find_programs() is None, reason="no PostgreSQL is installed")
def test_postgresql_stores_the_neighbours(tmp_path: Path) -> None:
    airflow = RealAirflow(tmp_path / "home")
    airflow.environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "100"
    airflow.environment["AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"] = "110"
    write_documents(airflow.documents)
    with postgres() as uri:
        stored = airflow.python(STORE.format(migrate=True), AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=uri)
    assert stored == ["good"]


def test_the_dag_processor_stores_the_neighbours_and_an_error_for_each(tmp_path: Path) -> None:
    airflow = RealAirflow(tmp_path / "home")
    airflow.environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "100"
    airflow.environment["AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"] = "110"
    write_documents(airflow.documents)
    done = airflow.airflow("dag-processor", "--num-runs", "1")
    assert airflow.query("select dag_id, is_stale from dag") == [("good", 0)], done.stdout[-3000:]
    errors = {Path(name).stem: text for name, text in airflow.query("select filename, stacktrace from import_error")}
    assert set(errors) == set(BAD)
    assert 'long_label.cwl", line 4' in errors["long_label"]
