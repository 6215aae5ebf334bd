"""Pruning the folders of an Airflow: its runs in the database, the command, and the DAG `housekeeping`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from airflow_mlcraft.store.store import Store
from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import PROJECT

PLAN_IN_40_DAYS = """
import json, time
from airflow_mlcraft.pruning.locations import get_airflow_locations
from airflow_mlcraft.pruning.prune import plan_pruning
pruning = plan_pruning(get_airflow_locations(), older_than=30 * 86400, now=time.time() + 40 * 86400)
print(json.dumps({"gone": [item.oid for item in pruning.items if item.oid], "kept": dict(pruning.kept)}))
"""
RUNS = """
import json, sys
from datetime import datetime, timedelta, timezone
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
now = datetime.now(timezone.utc)
with create_session() as session:
    for name, state, end, oid in json.loads(sys.argv[1]):
        run = DagRun(dag_id="a_dag", run_id=name, run_type=DagRunType.MANUAL, state=DagRunState(state), conf={"x": oid})
        run.end_date = None if end is None else now + timedelta(days=end)
        session.add(run)
print("null")
"""


@pytest.fixture
def airflow(tmp_path: Path) -> RealAirflow:
    return RealAirflow(tmp_path / "airflow")


@pytest.fixture
def store(airflow: RealAirflow) -> Store:
    return Store(airflow.home / "mlcraft" / "store")


def test_what_a_run_names_that_has_not_ended_or_not_long_ago_stays(airflow: RealAirflow, store: Store) -> None:
    goes_on, recent, ended, value = (store.add_bytes(name.encode()) for name in ("goes on", "recent", "ended", "value"))
    spilled = store.add_bytes(json.dumps({"class": "File", "location": f"store://md5/{value}"}).encode())
    location = "store://md5/"
    runs = [
        ("goes_on", "running", None, location + goes_on),
        ("recent", "success", 20, location + recent),
        ("ended", "failed", 0, location + ended),
        ("spilled", "running", None, {"mlcraft:value": spilled}),
    ]
    airflow.python(RUNS, json.dumps(runs))
    found = airflow.python(PLAN_IN_40_DAYS)
    assert found == {"gone": [ended], "kept": {"a run": 4}}


def test_nothing_goes_without_airflows_database(airflow: RealAirflow, store: Store) -> None:
    store.add_bytes(b"of a run perhaps")
    with closing(connect(airflow.home / "airflow.db")) as database:
        database.execute("alter table dag_run rename to hidden")
        database.commit()
    output = mlcraft(airflow, "prune", "--airflow", "--yes")
    assert output.returncode == 1
    assert "Airflow's database cannot be read, so it is not known which runs go on" in output.stderr
    assert "Traceback" not in output.stderr


def test_the_dag_housekeeping(airflow: RealAirflow) -> None:
    shutil.copy(PROJECT / "dags" / "housekeeping.py", airflow.home / "dags")
    folder = create_old_outputs(airflow)
    looked = airflow.airflow("dags", "test", "housekeeping", "--conf", '{"delete": false}')
    assert looked.returncode == 0, looked.stderr[-3000:]
    assert folder.exists()
    done = airflow.airflow("dags", "test", "housekeeping")
    assert done.returncode == 0, done.stderr[-3000:]
    assert not folder.exists()


def create_old_outputs(airflow: RealAirflow) -> Path:
    """The output folder of an old run."""
    folder = airflow.home / "mlcraft" / "outputs" / "a_dag" / "a_run"
    folder.mkdir(parents=True)
    (folder / "out.txt").write_text("out")
    for path in (folder / "out.txt", folder):
        os.utime(path, (0, time.time() - 40 * 86400))
    return folder


def mlcraft(airflow: RealAirflow, *arguments: str) -> subprocess.CompletedProcess[str]:
    return airflow._run(["-m", "airflow_mlcraft.cli.main", *arguments], 120)
