"""A running Airflow (PostgreSQL, LocalExecutor, four tasks at once): CWL against hand-written DAGs of the same shape.

A run counts from its trigger until its end in Airflow's own database.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.postgres import free_port, postgres

ROUNDS = 3
START = 180.0
_DOCUMENTS = ROOT / "bench" / "documents"
_NAMES = [f"word{number}" for number in range(20)]

# The tasks of our DAG: one that reads the inputs, one that lists the items, the tools, one that collects the outputs.
_BY_HAND = """
from airflow.sdk import DAG, task
from airflow.providers.standard.operators.bash import BashOperator

@task
def value(what):
    return what

@task
def gathered(what):
    return list(what)

@task
def number(text):
    return int(text)

def scattered(dag_id, command, count):
    with DAG(dag_id, schedule=None):
        words = value.override(task_id="items")(value.override(task_id="inputs")([command] * count))
        each = BashOperator.partial(task_id="each").expand(bash_command=words)
        gathered.override(task_id="outputs")(each.output)

with DAG("count_lines_by_hand", schedule=None):
    text = value.override(task_id="inputs")("{text}")
    count = BashOperator(task_id="count", bash_command="sed -n $= " + str(text))
    text >> count
    value.override(task_id="outputs")(number(count.output))

scattered("echo_by_hand", "echo word", 10)
scattered("sleep_by_hand", "sleep 1", 20)
"""


def figures() -> list[Figure]:
    """The figures: seconds from the trigger to the end, both sides in turn."""
    text = _DOCUMENTS / "text.txt"
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "count_lines": ("two steps", {"text": {"class": "File", "location": text.as_uri()}}),
        "echo": ("a 10-way echo scatter", {"words": _NAMES[:10]}),
        "sleep": ("a 20-way sleep of 1 s", {"names": _NAMES}),
    }
    results = []
    with TemporaryDirectory(prefix="bench-server-") as name, postgres() as database:
        home = Path(name)
        (home / "dags").mkdir()
        (home / "cwl").mkdir()
        for dag_id in cases:
            shutil.copy(_DOCUMENTS / f"{dag_id}.cwl", home / "cwl")
        (home / "dags" / "by_hand.py").write_text(_BY_HAND.replace("{text}", str(text)))
        (home / "dags" / "ours.py").write_text(
            f"from airflow_mlcraft import load_cwl_dags\nload_cwl_dags(globals(), {str(home / 'cwl')!r})\n"
        )
        with _airflow(home, database) as api:
            api.wait_for({*cases, *(f"{dag_id}_by_hand" for dag_id in cases)})
            for dag_id, (label, conf) in cases.items():
                seconds_by_side: dict[str, list[float]] = {"ours": [], "by_hand": []}
                for round_ in range(ROUNDS + 1):
                    for side, name_, conf_of_side in (("ours", dag_id, conf), ("by_hand", f"{dag_id}_by_hand", {})):
                        seconds = api.run(name_, conf_of_side)
                        if round_:
                            seconds_by_side[side].append(seconds)
                results.append(
                    Figure(
                        f"{label}, on a running Airflow / the same tasks by hand",
                        ratio(seconds_by_side["ours"], seconds_by_side["by_hand"]),
                        "≤ 1.2",
                        f"{median(seconds_by_side['ours']):.1f} s / {median(seconds_by_side['by_hand']):.1f} s",
                    )
                )
    return results


class _Api:
    """Airflow's REST API."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token = ""

    def log_in(self) -> None:
        self._token = self._send_request("/auth/token", method="GET")["access_token"]

    def wait_for(self, dag_ids: set[str]) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if dag_ids <= {dag["dag_id"] for dag in self._send_request("/api/v2/dags?limit=100")["dags"]}:
                return
            time.sleep(0.5)
        raise SystemExit(f"These DAGs did not come up: {', '.join(sorted(dag_ids))}")

    def run(self, dag_id: str, conf: dict[str, Any]) -> float:
        """Run a DAG; returns the seconds from the trigger to the end."""
        run = self._send_request(f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        address = f"/api/v2/dags/{dag_id}/dagRuns/{run['dag_run_id']}"
        while run["state"] in ("queued", "running"):
            time.sleep(0.25)
            run = self._send_request(address)
        if run["state"] != "success":
            raise SystemExit(f"A run of {dag_id} ended as {run['state']}.")
        started, ended = (datetime.fromisoformat(run[key].replace("Z", "+00:00")) for key in ("queued_at", "end_date"))
        return (ended - started).total_seconds()

    def _send_request(self, path: str, body: dict[str, Any] | None = None, method: str = "") -> Any:
        request = urllib.request.Request(
            self._address + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            method=method or ("GET" if body is None else "POST"),
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)


@contextmanager
def _airflow(home: Path, database: str) -> Iterator[_Api]:
    port = free_port()
    env = environment(
        home,
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION="False",
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM="4",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{port}/execution/",
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=database,
        AIRFLOW__MLCRAFT__REUSE="False",
        AIRFLOW__MLCRAFT__STORE=str(home / "store"),
        AIRFLOW__MLCRAFT__OUTPUTS=str(home / "out"),
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    )
    airflow = str(Path(sys.executable).with_name("airflow"))
    log = home / "airflow.log"
    with log.open("wb") as file:
        subprocess.run([airflow, "db", "migrate"], env=env, stdout=file, stderr=file, check=True)
        server = subprocess.Popen(
            [airflow, "standalone"], env=env, stdout=file, stderr=file, cwd=home, start_new_session=True
        )
    api = _Api(f"http://127.0.0.1:{port}")
    try:
        deadline = time.monotonic() + START
        while True:
            with suppress(OSError, ValueError):
                api.log_in()
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Airflow did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.5)
        yield api
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
