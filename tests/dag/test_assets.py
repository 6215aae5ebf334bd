"""Assets in a real Airflow: a DAG that waits for data runs when a run of another has made new data, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dag.real_airflow import RealAirflow
from tests.operators.embedded import DOCUMENTS
from tests.versioning.repositories import git, repository

WAITING = """\
cwlVersion: v1.0
class: Workflow
id: waiting
$namespaces: {mlcraft: "https://mlcraft.dev/cwl#"}
hints:
  - class: mlcraft:Dag
    scheduleOn: ["dvc://iris/data/table.csv"]
inputs: []
outputs: []
steps: []
"""

RUN = """
import json, sys
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.dag_processing.bundles.manager import DagBundlesManager
manager = DagBundlesManager()
manager.sync_bundles_to_db()
(bundle,) = manager.get_all_dag_bundles()
bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
sync_bag_to_db(bag, bundle.name, bundle.version)
from airflow.models.dag import DagModel
from airflow.utils.session import create_session
with create_session() as session:
    session.get(DagModel, "waiting").is_paused = False
run = bag.dags["versioned"].test(run_conf={"text": sys.argv[1]})
print("\\n" + json.dumps(str(run.state)))
"""


@pytest.fixture
def airflow(tmp_path: Path) -> RealAirflow:
    made = RealAirflow(tmp_path / "home")
    made.environment["AIRFLOW__MLCRAFT__DATA_REPO"] = str(repository(tmp_path / "iris"))
    made.environment["AIRFLOW__MLCRAFT__TRACKING"] = "never"
    (made.documents / "versioned.cwl").write_text((DOCUMENTS / "versioned.cwl").read_text())
    (made.documents / "waiting.cwl").write_text(WAITING)
    return made


def list_triggered_runs(airflow: RealAirflow) -> list[str]:
    """The runs of the waiting DAG, once the scheduler has looked."""
    done = airflow.airflow("scheduler", "--num-runs", "3")
    assert done.returncode == 0, done.stderr[-3000:]
    return [kind for (kind,) in airflow.query("select run_type from dag_run where dag_id = 'waiting'")]


def test_new_data_starts_a_dag(airflow: RealAirflow, tmp_path: Path) -> None:
    assert airflow.python(RUN, "hello") == "success"
    events = airflow.query("select asset.uri, event.extra from asset_event event join asset on asset.id = asset_id")
    extra = {uri: json.loads(text) for uri, text in events}
    assert set(extra) == {"dvc://iris/data/table.csv", "dvc://iris/data/packed", "dvc://iris/words"}
    table = extra["dvc://iris/data/table.csv"]
    assert table["md5"] == "b1946ac92492d2347c6235b4d2611184"
    assert table["size"] == 6
    assert table["commit"] == git(tmp_path / "iris", "rev-parse", "HEAD")
    assert table["dag_id"] == "versioned"
    assert list_triggered_runs(airflow) == ["asset_triggered"]
    assert airflow.python(RUN, "hello") == "success"
    assert len(airflow.query("select * from asset_event")) == 3, "nothing has changed"
    assert list_triggered_runs(airflow) == ["asset_triggered"]
    assert airflow.python(RUN, "bye") == "success"
    assert len(airflow.query("select * from asset_event")) == 5, "the words are the same"
