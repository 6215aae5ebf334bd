"""Test of a new MLflow database that several processes open at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPEN = (
    "import sys; from airflow_mlcraft.tracking.store_api import StoreApi; "
    "StoreApi(sys.argv[1]).get_or_create_experiment('runs')"
)


def test_its_tables_are_made_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, f"sqlite:///{tmp_path}/mlflow.db"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        _, err = process.communicate()
        assert process.returncode == 0, err
