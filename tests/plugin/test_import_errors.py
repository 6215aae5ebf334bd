"""Errors of documents stay in Airflow's list between two parses."""

from __future__ import annotations

from pathlib import Path

from tests.dag.real_airflow import RealAirflow

CLEAN_UP = """
import json, os, sys
from datetime import timedelta
from airflow.dag_processing.manager import DagFileProcessorManager
from airflow.listeners.listener import get_listener_manager
from airflow.models.errors import ParseImportError
from airflow.sdk.timezone import utcnow
from airflow.utils.session import create_session
there, gone, mended, dag_file = sys.argv[1:]
with create_session() as session:
    for name, age in ((there, 10), (gone, 10), (mended, 3600), (dag_file, 10)):
        session.add(ParseImportError(
            bundle_name="dags-folder", filename=os.path.relpath(name), stacktrace="x",
            timestamp=utcnow() - timedelta(seconds=age),
        ))
get_listener_manager().hook.on_new_dag_import_error(filename=there, stacktrace="x")
DagFileProcessorManager(max_runs=1).clear_orphaned_import_errors(bundle_name="dags-folder", observed_filelocs=set())
with create_session() as session:
    left = sorted(name for (name,) in session.query(ParseImportError.filename))
print("\\n" + json.dumps([os.path.basename(name) for name in left]))
"""


def test_airflows_clean_up_leaves_the_error_of_a_document_that_is_there(tmp_path: Path) -> None:
    airflow = RealAirflow(tmp_path / "home")
    names = [str(airflow.documents / name) for name in ("there.cwl", "gone.cwl", "mended.cwl")]
    for name in (names[0], names[2]):
        Path(name).write_text("class: [")
    dag_file = tmp_path / "old.py"
    dag_file.touch()
    assert airflow.python(CLEAN_UP, *names, str(dag_file)) == ["there.cwl"]
