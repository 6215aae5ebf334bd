"""An Airflow with a home and a database of its own, and a folder of documents behind a DAG file of two lines."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.operators.embedded import PROJECT, fork_server

DAG_FILE = """\
from airflow_mlcraft import load_cwl_dags
load_cwl_dags(globals(), __file__.rsplit("/", 2)[0] + "/cwl")
"""


class RealAirflow:
    """A home below a folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.documents = home / "cwl"
        for folder in (self.documents, home / "dags"):
            folder.mkdir(parents=True)
        (home / "dags" / "cwl_dags.py").write_text(DAG_FILE)
        (template,) = (fork_server().root / "home").glob("template-*.db")
        shutil.copyfile(template, home / "airflow.db")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
        self.environment = {
            **kept,
            "PYTHONPATH": str(PROJECT),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            # Airflow leaves a DAG as it was that it wrote in the last 30 s.
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__MLCRAFT__CONTAINERS": "never",
            "AIRFLOW__MLCRAFT__CACHE": str(home / "cache"),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def airflow(self, *arguments: str, timeout: int = 120) -> subprocess.CompletedProcess[str]:
        """The `airflow` command."""
        return self._run(["-m", "airflow", *arguments], timeout)

    def python(self, script: str, *arguments: str, **environment: str) -> Any:
        """What a Python program prints as its last line, as JSON; it runs in a process of its own."""
        done = self._run(["-c", script, *arguments], 120, **environment)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        with closing(sqlite3.connect(self.home / "airflow.db")) as connection:
            return connection.execute(sql).fetchall()

    def _run(self, arguments: list[str], timeout: int, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.home,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
