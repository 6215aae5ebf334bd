"""The first start of a home, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from airflow_mlcraft.runner.home import default_home, version_key

from .conftest import environment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RUN = """
import json, sys
from pathlib import Path
from airflow_mlcraft.runner.home import prepare_embedded_airflow
prepare_embedded_airflow(Path(sys.argv[1]))
from airflow.sdk import DAG, task
from airflow_mlcraft.runner.run_dag import run_dag
with DAG("one") as dag:
    @task
    def hello():
        print("noise")
        return "hello"
    hello()
result = run_dag(dag)
print(json.dumps([result.state, result.xcom("hello")]))
"""


def start(home: Path, tmp_path: Path) -> subprocess.Popen[str]:
    script = tmp_path / "one.py"
    script.write_text(RUN)
    user = tmp_path / "user"
    user.mkdir(exist_ok=True)
    surroundings = {
        **environment(),
        "HOME": str(user),
        # A deployment of the user's, which is not to be touched.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://nobody@nowhere/none",
        "AIRFLOW_HOME": str(user / "airflow"),
    }
    return subprocess.Popen(
        [sys.executable, str(script), str(home)], stdout=subprocess.PIPE, text=True, env=surroundings
    )


def test_killed_first_start_then_two_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    part, made = home / f"template-{version_key()}.db.part", home / f"template-{version_key()}.db"
    first = start(home, tmp_path)
    end = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 0):
        assert time.monotonic() < end
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert part.exists()
    assert not made.exists()

    both = [start(home, tmp_path), start(home, tmp_path)]
    outputs = [process.communicate(timeout=120)[0] for process in both]
    assert outputs == ['["success", "hello"]\n'] * 2
    assert made.exists()
    assert not list(home.glob("*.part*"))
    assert not (tmp_path / "user" / "airflow").exists()


def test_default_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLCRAFT_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_home() == tmp_path / "mlcraft" / "embedded" / version_key()
    monkeypatch.setenv("MLCRAFT_HOME", str(tmp_path / "mine"))
    assert default_home() == tmp_path / "mine"
