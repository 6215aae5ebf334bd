"""Tests of the query for the champion without importing mlflow, with a real sender process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.spool.champion_query import query_champion
from airflow_mlcraft.tracking.spool.spool import Spool
from tests.tracking.test_models import fitted_model


def test_the_champion_after_what_was_said_just_now(
    tracking: TrackingClient, run_name: DagRunName, tmp_path: Path
) -> None:
    name = f"model_{run_name.dag_id}"
    assert tracking.get_champion(name) is None
    for item in range(2):
        with tracking.step(StepName(run_name, "train", item)) as run:
            content = run.model(fitted_model(tmp_path, item + 1), content=f"{item}" * 32)
            run.register(name, champion=True)
        found = tracking.get_champion(name)
        assert found is not None
        assert (found.version, found.tags["mlcraft.content"]) == (str(item + 1), content)
    assert found == tracking.api().get_version_by_alias(name, "champion")


def test_mlflow_is_not_imported(database: str, tmp_path: Path) -> None:
    program = (
        "import sys; from airflow_mlcraft.tracking.client import TrackingClient;"
        "tracking = TrackingClient(sys.argv[1], spool=sys.argv[2], limit=60, linger=1);"
        "print(tracking.get_champion('nobody'), 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", program, database, str(tmp_path / "spool")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "None False\n"


def test_a_sender_that_does_not_answer(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(TimeoutError, match="has not answered within 0.05 s"):
        query_champion(spool, "model", 0.05)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
