"""Parses within Airflow's time limits: documents that are still being compiled, and folders that are too large."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import load_cwl_dags
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.compile_queue import has_waiting_lists, lock_compiler
from airflow_mlcraft.dag import loader
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.loader import Document, DocumentFolder
from airflow_mlcraft.dag.parse_time_limit import ParseClock, compile_wait_seconds
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS

MANY = 60


@pytest.fixture
def airflow(tmp_path: Path) -> RealAirflow:
    made = RealAirflow(tmp_path / "home")
    made.environment["AIRFLOW__MLCRAFT__PARSE_SECONDS"] = "0"
    return made


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    return folder


def parse(airflow: RealAirflow) -> dict[str, str]:
    """One run of the dag-processor: the DAGs that are not stale, with a digest of each."""
    done = airflow.airflow("dag-processor", "--num-runs", "1")
    assert done.returncode == 0, done.stderr[-3000:]
    assert airflow.query("select stacktrace from import_error where stacktrace like '%imeout%'") == []
    rows = airflow.query(
        "select dag.dag_id, dag_hash from dag join serialized_dag using (dag_id)"
        " where is_stale = 0 order by serialized_dag.last_updated"
    )
    return dict(rows)


def compiled(airflow: RealAirflow) -> None:
    """Wait for the process in the background."""
    root = airflow.home / "cache"
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with lock_compiler(root) as alone:
            if alone and not has_waiting_lists(root):
                return
        time.sleep(0.1)
    raise AssertionError("still compiling")


def log_of(airflow: RealAirflow) -> str:
    logs = (airflow.home / "logs" / "dag_processor").glob("2*/*/*.log")
    return "".join(log.read_text() for log in logs)


def test_a_folder_comes_up_over_parses(airflow: RealAirflow) -> None:
    for number in range(MANY):
        shutil.copy(DOCUMENTS / "echo.cwl", airflow.documents / f"echo_{number}.cwl")
    shutil.copy(DOCUMENTS / "broken" / "misspelt_field.cwl", airflow.documents)
    assert parse(airflow) == {}
    assert f"{MANY + 1} of {MANY + 1} documents below {airflow.documents} are still being compiled" in log_of(airflow)
    compiled(airflow)
    first = parse(airflow)
    assert len(first) == MANY
    assert [Path(name).name for (name,) in airflow.query("select filename from import_error")] == ["misspelt_field.cwl"]

    edited = airflow.documents / "echo_7.cwl"
    edited.write_text(edited.read_text().replace("label: Echo", "label: Edited"))
    edited.with_name("misspelt_field.cwl").write_text("class: [")
    with lock_compiler(airflow.home / "cache"):
        assert parse(airflow) == first, "as they were, until they are compiled"
        assert airflow.query("select count(*) from import_error") == [(1,)]
    assert parse(airflow) == first
    compiled(airflow)
    later = parse(airflow)
    assert later.keys() == first.keys()
    assert [dag_id for dag_id in later if later[dag_id] != first[dag_id]] == ["echo_7"]


def test_a_parse_waits_for_what_is_soon_ready(airflow: RealAirflow) -> None:
    airflow.environment["AIRFLOW__MLCRAFT__PARSE_SECONDS"] = "1000"
    airflow.environment["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "120"
    airflow.environment["AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT"] = "180"
    shutil.copy(DOCUMENTS / "echo.cwl", airflow.documents)
    shutil.copy(DOCUMENTS / "wild" / "several" / "packed_tools.cwl", airflow.documents)
    assert parse(airflow).keys() == {"echo", "packed_tools.one", "packed_tools.two"}
    assert "still being compiled" not in log_of(airflow)


def test_in_a_task_its_document_is_compiled_whatever_else_waits(
    documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__CACHE", str(documents.parent / "cache"))
    for number in range(5):
        shutil.copy(DOCUMENTS / "echo.cwl", documents / f"echo_{number}.cwl")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "echo_3")
    namespace: dict[str, Any] = {}
    with lock_compiler(open_plan_cache().root):
        load_cwl_dags(namespace, documents)
    assert [dag.dag_id for dag in namespace.values()] == ["echo_3"]
    assert len(list((documents.parent / "cache" / "documents").iterdir())) == 1


def test_a_compiler_that_cannot_start_is_logged(
    documents: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__CACHE", str(documents.parent / "cache"))
    monkeypatch.setenv("PYTHONHASHSEED", "none of the kind")
    shutil.copy(DOCUMENTS / "echo.cwl", documents)
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, documents)
    assert namespace == {}
    assert f"1 documents below {documents} cannot be compiled" in caplog.text
    assert "PYTHONHASHSEED" in (documents.parent / "cache" / "compiler.log").read_text()


def test_dags_that_do_not_fit_into_a_parse_are_an_error(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = documents.parent / "cache"
    monkeypatch.setenv("AIRFLOW__MLCRAFT__CACHE", str(cache))
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "0.001")
    for number in range(20):
        document = shutil.copy(DOCUMENTS / "echo.cwl", documents / f"echo_{number:02}.cwl")
        PlanCache(cache).get_plan(Path(document))
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, documents)
    (*built, left_out) = namespace.values()
    assert len(built) < 20
    assert f"{20 - len(built)} of the 20 documents below {documents} are left out" in str(left_out._error)
    assert "part=(1, 2)" in str(left_out._error)


class CountingClock(ParseClock):
    """A clock by which each DAG takes a tenth of the time that there is."""

    def used_fraction(self) -> float:
        return self._to_serialize.total / 100

    def add_dag(self, tasks: int) -> None:
        self._to_serialize.total += 10


def test_known_dags_come_before_new_ones_where_time_is_short(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "SMALL_FOLDER", 5)
    cache = PlanCache(documents.parent / "cache")

    def parsed(*names: str) -> tuple[list[str], str]:
        for name in names:
            document = shutil.copy(DOCUMENTS / "echo.cwl", documents / f"{name}.cwl")
            cache.get_plan(Path(document))
        listed = [Document(path.stem, path) for path in sorted(documents.iterdir())]
        dags = list(DocumentFolder(documents, listed, {}, cache, clock=CountingClock()).load_dags(listed))
        errors = [str(dag._error) for dag in dags if isinstance(dag, BrokenDocument)]
        return [dag.dag_id for dag in dags if not isinstance(dag, BrokenDocument)], "".join(errors)

    assert parsed("m", "n", "o") == (["m", "n", "o"], "")
    built, error = parsed("p", "q", "r", "s")
    assert built == ["m", "n", "o", "p", "q", "r", "s"]
    assert "the 7 documents" in error, "said while all of them are there"
    assert "take 70% of the time that Airflow gives a DAG file" in error
    built, error = parsed("a", "b", "z")
    assert built == ["m", "n", "o", "p", "q", "r", "s", "a"], "the known ones first"
    assert "2 of the 10 documents" in error
    assert "share the folder out" in error


def test_the_clock_counts_what_airflow_still_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The DAG processor serializes all DAGs after the import, within the same limit."""
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "1e6")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", "1e6")
    # As if no other process needed a core meanwhile.
    monkeypatch.setattr("time.process_time", time.monotonic)
    clock = ParseClock()
    clock.measure_dag(7, 5000.0)
    for _ in range(100):
        clock.add_dag(7)
    assert clock.used_fraction() < 0.1, "a command serializes nothing"
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", object(), raising=False)
    assert 0.5 < clock.used_fraction() < 0.8


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "60")
    assert compile_wait_seconds() == 40, "a command has only this one parse"
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", object(), raising=False)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", "45")
    assert compile_wait_seconds() == 10
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PARSE_SECONDS", "500")
    assert compile_wait_seconds() == 15
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "0")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", "0")
    assert compile_wait_seconds() == 500
    monkeypatch.setenv("AIRFLOW__MLCRAFT__PARSE_SECONDS", "soon")
    with pytest.raises(MlcraftError, match="parse_seconds is 'soon', expected a number of seconds"):
        compile_wait_seconds()
