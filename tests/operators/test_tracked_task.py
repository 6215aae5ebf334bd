"""`@task.tracked` and `tracked_run(context)`, in a real run of a DAG without any CWL."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.api import Run
from airflow_mlcraft.tracking.client import TrackingClient
from tests.operators.embedded import DOCUMENTS, DagRunResult, fork_server


def _tracked(folder: Path, **job: Any) -> tuple[DagRunResult, dict[str, Run]]:
    uri = f"sqlite:///{folder}/mlflow.db"
    settings = {"tracking": "auto", "tracking_uri": uri, "tracking_spool": folder / "spool", "tracking_linger": 5}
    ran = fork_server().run(
        folder, DOCUMENTS / "tracked.py", job, settings={name: str(of) for name, of in settings.items()}
    )
    tracking = TrackingClient(uri, spool=folder / "spool")
    assert tracking.flush(120) == 0
    api = tracking.api()
    return ran, {run.name: api.get_run(run.id) for run in api.search_runs(api.get_or_create_experiment("tracked"), "")}


def test_native_tasks_are_runs_below_that_of_the_dag_run(tmp_path: Path) -> None:
    ran, runs = _tracked(tmp_path, seed=11)
    assert ran.state == "success", ran.failed
    (parent,) = [run for run in runs.values() if tags.PARENT not in run.tags]
    assert (parent.status, parent.params) == ("FINISHED", {"seed": "11", "fails": "false"})
    assert parent.tags[tags.DOCUMENT].endswith("tests/documents/tracked.py")
    assert set(runs) == {
        parent.name, "train [0]", "train [1]", "later", "by hand", "with_mlflow", "mine", "skipped", "bad",
    }  # fmt: skip
    assert {run.status for run in runs.values()} == {"FINISHED"}
    train = runs["train [1]"]
    assert train.params == {"trees": "7", "depth": "3", "api_key": "***", "seed": "3"}
    assert train.metrics == {"accuracy": 0.7}
    assert train.tags[tags.PARENT] == parent.id
    assert train.tags.keys() >= {"source_hash", "host.name", tags.DOCUMENT_HASH, tags.WORKER, tags.TRY}
    printed = Path(train.artifact_uri.removeprefix("file://")) / "printed.txt"
    assert printed.read_text().startswith("7 trees in manual__")
    assert runs["later"].params["when"] == "later"
    assert runs["mine"].tags[tags.PARENT] == runs["with_mlflow"].id
    assert runs["mine"].metrics == {"inner": 1}


def test_a_task_that_fails_ends_its_run_and_the_one_above_as_failed(tmp_path: Path) -> None:
    ran, runs = _tracked(tmp_path, fails=True)
    assert ran.state == "failed"
    (parent,) = [run for run in runs.values() if tags.PARENT not in run.tags]
    assert {name for name, run in runs.items() if run.status != "FINISHED"} == {parent.name, "bad"}
    assert {parent.status, runs["bad"].status} == {"FAILED"}


def test_parsing_loads_nothing_heavy() -> None:
    program = (
        "import sys, runpy; runpy.run_path(sys.argv[1]);"
        "print([name for name in ('mlflow', 'dvc', 'dvc_data', 'pandas', 'sklearn', 'cwltool') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program, str(DOCUMENTS / "tracked.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
