"""docker-compose.yaml from nothing to a green run: the image, Postgres, Airflow, and the classification workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "tools" / "compose_check.py"
LIMIT = 2400


def _has_compose() -> bool:
    v2 = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False) if _has_docker() else None
    return bool(shutil.which("docker-compose")) or (v2 is not None and v2.returncode == 0)


def _has_docker() -> bool:
    return shutil.which("docker") is not None


@pytest.mark.docker
@pytest.mark.registry
@pytest.mark.skipif(not _has_compose(), reason="neither `docker compose` nor `docker-compose` is here")
def test_compose_runs_the_classification_workflow() -> None:
    done = subprocess.run(
        [sys.executable, CHECK, "--stand-in-postgres"],
        env={"PYTHON_IMAGE": "python:3-slim", **os.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert "workflows.classification is green" in done.stdout
