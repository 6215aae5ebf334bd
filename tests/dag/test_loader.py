"""A folder of documents in a real Airflow: its dag-processor, its commands, its database."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import load_cwl_dags
from airflow_mlcraft.dag.loader import dag_ids_in
from airflow_mlcraft.errors import MlcraftError
from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS

GOOD = {
    "count_lines.count_lines",
    "count_lines.tools.count",
    "count_lines.tools.read",
    "echo",
    "packed.json",
    "sub.two_words",
}

SYNC = """
import json, sys
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.dag_processing.bundles.manager import DagBundlesManager
manager = DagBundlesManager()
manager.sync_bundles_to_db()
(bundle,) = manager.get_all_dag_bundles()
bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
sync_bag_to_db(bag, bundle.name, bundle.version)
for dag_id in sys.argv[1:]:
    assert bag.dags[dag_id].test(run_conf={"word": "hi"}).state == "success"
heavy = ["cwltool", "mlflow", "dvc", "dvc_data", "pandas", "sklearn", "schema_salad"]
print("\\n" + json.dumps({"dags": sorted(bag.dags), "heavy": [name for name in heavy if name in sys.modules]}))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> RealAirflow:
    """Good documents and two broken ones, seen by the dag-processor once."""
    made = RealAirflow(tmp_path_factory.mktemp("loader") / "home")
    shutil.copytree(DOCUMENTS / "count_lines", made.documents / "count_lines")
    for name in ("echo.cwl", "packed.json", "broken/misspelt_field.cwl", "broken/missing_run_file.cwl"):
        (made.documents / name).parent.mkdir(exist_ok=True)
        shutil.copy(DOCUMENTS / name, made.documents / name)
    (made.documents / "sub").mkdir()
    shutil.copy(DOCUMENTS / "echo.cwl", made.documents / "sub" / "two words.cwl")
    done = made.airflow("dag-processor", "--num-runs", "1")
    assert made.query("select count(*) from dag") != [(0,)], done.stdout[-3000:] + done.stderr[-3000:]
    return made


def dags(airflow: RealAirflow) -> set[str]:
    return {dag_id for (dag_id,) in airflow.query("select dag_id from dag where is_stale = 0")}


def test_each_document_is_a_dag(airflow: RealAirflow) -> None:
    found = dags(airflow)
    assert {dag_id.rpartition("_")[0] if dag_id.startswith("sub.") else dag_id for dag_id in found} == GOOD
    assert airflow.query("select count(*) from serialized_dag") == [(len(GOOD),)]


def test_a_broken_document_is_one_import_error_of_its_own(airflow: RealAirflow) -> None:
    errors = {Path(name).name: text for name, text in airflow.query("select filename, stacktrace from import_error")}
    assert set(errors) == {"misspelt_field.cwl", "missing_run_file.cwl"}
    misspelt = errors["misspelt_field.cwl"]
    assert 'misspelt_field.cwl", line 3' in misspelt
    assert "baseComand: echo" in misspelt, "the line itself"
    assert "invalid field 'baseComand', expected one of" in misspelt
    assert 'missing_run_file.cwl", line 7' in errors["missing_run_file.cwl"]


def test_commands_do_not_fail_because_of_it(airflow: RealAirflow) -> None:
    listed = airflow.airflow("dags", "list", "-o", "plain", "--local")
    assert listed.returncode == 0, listed.stderr[-2000:]
    assert {line.split()[0] for line in listed.stdout.splitlines() if "cwl_dags.py" in line} >= GOOD - {"sub.two_words"}
    again = airflow.airflow("dags", "reserialize")
    assert again.returncode == 0, again.stderr[-2000:]
    assert len(dags(airflow)) == len(GOOD)


def versions(airflow: RealAirflow, dag_id: str) -> int:
    return sum(row == (dag_id,) for row in airflow.query("select dag_id from dag_version"))


def test_the_same_bytes_never_make_a_new_version_and_an_edit_does(airflow: RealAirflow) -> None:
    """Once a run has used a version, the next one is kept beside it; before, it would only be replaced."""
    airflow.python(SYNC, "echo", PYTHONHASHSEED="1")
    document = airflow.documents / "echo.cwl"
    os.utime(document)
    shutil.rmtree(airflow.home / "cache")
    cold = airflow.python(SYNC, PYTHONHASHSEED="2")
    assert list((airflow.home / "cache" / "plans").iterdir()), "all was compiled again"
    cached = airflow.python(SYNC, PYTHONHASHSEED="3")
    assert cached["dags"] == cold["dags"]
    assert cold["heavy"] == cached["heavy"] == [], "parsing imports nothing heavy"
    assert versions(airflow, "echo") == 1
    document.write_text(document.read_text().replace("printf, '%s\\n'", "printf, '%s!\\n'"))
    (airflow.documents / "dropped.cwl").write_text(document.read_text())
    assert "dropped" in airflow.python(SYNC)["dags"]
    assert versions(airflow, "echo") == 2
    assert versions(airflow, "count_lines.count_lines") == 1


def ids_of(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(
            "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: 'true'\ninputs: []\noutputs: []\n"
        )
    return [dag_id for dag_id, _ in dag_ids_in(folder)]


def test_ids(tmp_path: Path) -> None:
    assert ids_of(tmp_path, "a.cwl", "b/c.cwl", "d.json", "a.yml") == ["a", "a.yml", "b.c", "d.json"]


def test_ids_are_unique(tmp_path: Path) -> None:
    made = ids_of(tmp_path, "a/b.cwl", "a.b.cwl", "A.B.cwl", "ä.cwl", "ö.cwl", "two words.cwl")
    assert len({dag_id.lower() for dag_id in made}) == 6


def test_a_dropped_file_does_not_change_the_ids_of_others(tmp_path: Path) -> None:
    before = ids_of(tmp_path, "b.cwl", "ü.cwl")
    assert set(before) <= set(ids_of(tmp_path, "a.cwl", "c/b.cwl"))


def test_in_a_task_only_its_own_dag_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("echo.cwl", "broken/misspelt_field.cwl", "packed.cwl"):
        shutil.copy(DOCUMENTS / name, tmp_path)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "echo")
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, tmp_path)
    assert [dag.dag_id for dag in namespace.values()] == ["echo"]
    monkeypatch.delenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID")
    load_cwl_dags(namespace, tmp_path, tags=["ours"])
    assert {dag.dag_id for dag in namespace.values()} == {"echo", "misspelt_field", "packed"}
    assert "ours" in namespace["cwl_dag_packed"].tags


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(MlcraftError, match="is not a folder"):
        load_cwl_dags({}, tmp_path / "gone")
