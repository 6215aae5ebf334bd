"""The cached serialized forms of DAGs, which later parses pass to the DAG processor."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft import load_cwl_dags
from airflow_mlcraft.adapters.airflow_core import dag_serialization
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.dag import parse_cache
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.loader import Document, DocumentFolder, dag_ids_in
from airflow_mlcraft.dag.parse_time_limit import ParseClock
from airflow_mlcraft.dag.serialized_dag import PreserializedDag
from airflow_mlcraft.errors import MlcraftError
from tests.operators.embedded import DOCUMENTS

DagSerialization = dag_serialization()


@pytest.fixture(autouse=True)
def in_dag_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIRFLOW__MLCRAFT__CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", object(), raising=False)
    # A parse begins with its process, and this process is older than one that parses.
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "1e6")
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT", "1e6")
    monkeypatch.setattr(DagSerialization, "to_dict", DagSerialization.to_dict)
    monkeypatch.setattr(parse_cache, "_REBUILD_ONE_IN", 1e9)


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    shutil.copytree(DOCUMENTS / "count_lines", folder / "count_lines")
    for name in ("echo.cwl", "packed.json", "wild/several/packed_tools.cwl"):
        shutil.copy(DOCUMENTS / name, folder)
    return folder


def dags_of(folder: Path, **dag_args: Any) -> dict[str, Any]:
    for _, document in dag_ids_in(folder):
        try:
            PlanCache(folder.parent / "cache").get_plan(document)
        except MlcraftError as error:
            for name in getattr(error, "names", ()):
                PlanCache(folder.parent / "cache").get_plan(document, name)
    namespace: dict[str, Any] = {}
    load_cwl_dags(namespace, folder, **dag_args)
    return {dag.dag_id: dag for dag in namespace.values() if not isinstance(dag, BrokenDocument)}


def as_stored_by_airflow(dags: dict[str, Any]) -> dict[str, str]:
    for dag in dags.values():
        dag.fileloc, dag.relative_fileloc = "/dags/cwl.py", "cwl.py"
    return {dag_id: json.dumps(DagSerialization.to_dict(dag), sort_keys=True) for dag_id, dag in dags.items()}


def test_the_form_is_that_of_the_dag(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = {"tags": ["ours"], "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc), "default_args": {"retries": 3}}
    first = dags_of(documents, **args)
    then = dags_of(documents, **args)
    assert then.keys() >= {"echo", "packed.json", "count_lines.count_lines", "packed_tools.one", "packed_tools.two"}
    assert {type(dag) for dag in then.values()} == {PreserializedDag}
    monkeypatch.delattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS")
    built = dags_of(documents, **args)
    assert {type(dag) for dag in built.values()} == {CwlDag}
    assert as_stored_by_airflow(first) == as_stored_by_airflow(then) == as_stored_by_airflow(built)


def test_what_a_dag_is_made_of_makes_another_form(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = documents / "echo.cwl"
    name = "echo"
    before = as_stored_by_airflow(dags_of(documents))[name]
    document.write_text(document.read_text().replace("label: Echo", "label: Edited"))
    edited = as_stored_by_airflow(dags_of(documents))[name]
    assert "Edited" in edited
    assert "Edited" not in before
    later = dags_of(documents, start_date=datetime(2027, 2, 3, tzinfo=timezone.utc))
    assert as_stored_by_airflow(later)[name] != edited
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_OWNER", "somebody")
    monkeypatch.setenv("AIRFLOW__MLCRAFT__TOOL_DAGS", "False")
    hidden = dags_of(documents)
    assert hidden.keys() == {"count_lines.count_lines"}
    assert len(list((documents.parent / "cache" / "forms").glob("*/*"))) == 1, "what is hidden has no form"
    shutil.rmtree(documents / "count_lines")
    assert dags_of(documents) == {}
    assert not list((documents.parent / "cache" / "forms").glob("*/*")), "a form goes with its document"


def test_a_broken_document_has_no_form(documents: Path) -> None:
    document = documents / "echo.cwl"
    assert "echo" in dags_of(documents)
    good = document.read_text()
    document.write_text("class: [")
    assert "echo" not in dags_of(documents)
    document.write_text(good)
    assert "echo" in dags_of(documents)


def test_it_is_built_for_a_callback_and_cannot_be_changed(documents: Path) -> None:
    lines: list[str] = []
    dags_of(documents)
    dag = dags_of(documents, on_failure_callback=lines.append)["echo"]
    assert isinstance(dag, PreserializedDag)
    assert dag.on_failure_callback == lines.append
    assert dag.get_task("outputs").task_id == "outputs"
    with pytest.raises(MlcraftError, match=r"write CwlDag\(document\) for a DAG with tasks of your own"):
        dag.__enter__()
    with pytest.raises(MlcraftError, match="cannot be changed in the DAG file"):
        dag.tags = {"mine"}


def test_with_cluster_policies_airflow_gets_the_dags(documents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.policies import hookimpl
    from airflow.settings import get_policy_plugin_manager

    class Policy:
        @staticmethod
        @hookimpl
        def dag_policy(dag: Any) -> None:
            dag.tags.add("policy")

    manager = get_policy_plugin_manager()
    manager.register(Policy, "ours")
    try:
        assert {type(dag) for dag in dags_of(documents).values()} == {CwlDag}
    finally:
        manager.unregister(Policy, "ours")
    assert {type(dag) for dag in dags_of(documents).values()} == {PreserializedDag}


class BusyMachineClock(ParseClock):
    """A clock by which building a DAG takes a third of the time that there is, and handing one on a hundredth."""

    def used_fraction(self) -> float:
        return (self._to_serialize.total + self._to_send.total) / 100

    def add_dag(self, tasks: int) -> None:
        self._to_serialize.total += 33

    def measure_dag(self, tasks: int, seconds: float) -> None:
        self._to_serialize.total += 33

    def add_form(self, size: int) -> None:
        self._to_send.total += 1


def test_no_known_dag_goes_when_all_have_to_be_built_anew(tmp_path: Path) -> None:
    """As after an update of Airflow on a busy machine: what cannot be built in time stays as it was."""
    folder, cache = tmp_path / "documents", PlanCache(tmp_path / "cache")
    folder.mkdir()
    for number in range(12):
        cache.get_plan(Path(shutil.copy(DOCUMENTS / "echo.cwl", folder / f"echo_{number:02}.cwl")))

    def parsed(**dag_args: Any) -> dict[str, Any]:
        listed = [Document(*found) for found in dag_ids_in(folder)]
        dags = DocumentFolder(folder, listed, dag_args, cache, clock=BusyMachineClock()).load_dags(listed)
        return as_stored_by_airflow({dag.dag_id: dag for dag in dags if not isinstance(dag, BrokenDocument)})

    sizes = [len(parsed()) for _ in range(5)]
    assert sizes[0] == 3
    assert sizes == [*sorted(sizes[:-1]), 12], "those that are there stay while others come"
    later = [parsed(tags=["later"]) for _ in range(6)]
    assert [len(forms) for forms in later] == [12] * 6
    tagged = [sum("later" in form for form in forms.values()) for forms in later]
    assert tagged[0] in (2, 3)
    assert tagged == [*sorted(tagged[:-1]), 12]
