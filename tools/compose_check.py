"""`make compose-check`: build the image of docker-compose.yaml, start its services, run the classification workflow.

It works with Compose v2 (`docker compose`), and with v1 from 1.29 on (`docker-compose`). The project has a name, a port
and volumes of its own, and all of it but the image is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx

from airflow_mlcraft.project.server.api import PASSWORD, USER, ServerApi

T = TypeVar("T")
PROJECT = Path(__file__).parents[1]
POSTGRES_CONTEXT = PROJECT / "tests" / "compose"
DAG = "workflows.classification"
CONF = {"models": ["logistic_regression", "naive_bayes"], "folds": 2, "name": "compose_check"}
RUN_ID = "compose-check"
START_SECONDS, RUN_SECONDS = 300.0, 600.0


class Compose:
    """The services of docker-compose.yaml, under a project name of this process."""

    def __init__(self, variables: dict[str, str]):
        v2 = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
        if not v2 and not shutil.which("docker-compose"):
            raise SystemExit("There is no Compose: neither `docker compose` nor `docker-compose` is here.")
        self.program = ["docker", "compose"] if v2 else ["docker-compose"]
        self.name = f"mlcraft-check-{os.getpid()}"
        self.environment = {**os.environ, **variables}

    def __call__(self, *arguments: str, quiet: bool = False) -> str:
        """Run a command of Compose. Returns its stdout."""
        process = subprocess.run(
            [*self.program, "--project-name", self.name, *arguments],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
            check=False,
        )
        if process.returncode and not quiet:
            raise SystemExit(f"{' '.join(self.program)} {' '.join(arguments)} ended with {process.returncode}")
        return process.stdout


def main() -> None:
    """Build, start, run; the exit code is 1 when one of them fails, and the services' logs are shown then."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--stand-in-postgres", action="store_true", help="Debian's Postgres, not the image postgres")
    arguments = options.parse_args()
    started = time.monotonic()
    port = free_port()
    variables = {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "AIRFLOW_SECRET": secrets.token_hex(32),
        "MLCRAFT_PORT": str(port),
    }
    if arguments.stand_in_postgres:
        variables["POSTGRES_IMAGE"] = build_postgres()
    compose = Compose(variables)
    # SIGTERM, as of a time limit, removes the services as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        compose("build", "migrate")
        print(f"The image is built: {image_size()}, {time.monotonic() - started:.0f} s.", flush=True)
        compose("up", "--detach")
        run_workflow(compose, port)
    except BaseException:
        print(compose("logs", "--no-color", "--tail", "60", quiet=True), file=sys.stderr)
        raise
    finally:
        compose("down", "--volumes", "--remove-orphans", quiet=True)
    print(f"{DAG} is green; all of it took {time.monotonic() - started:.0f} s.")


def build_postgres() -> str:
    """Build an image with Postgres, installed with apt on the image of Python. Returns its tag."""
    tag = "mlcraft-check-postgres"
    python = os.environ.get("PYTHON_IMAGE", "python:3-slim")
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", tag, "--build-arg", f"PYTHON_IMAGE={python}", str(POSTGRES_CONTEXT)],
        check=True,
    )
    return tag


def image_size() -> str:
    """The size of the image that Compose has built."""
    name = os.environ.get("MLCRAFT_IMAGE", "mlcraft-airflow:dev")
    command = ["docker", "image", "inspect", name, "--format", "{{.Size}}"]
    size = subprocess.run(command, capture_output=True, text=True, check=True)
    return f"{int(size.stdout) / 1e9:.2f} GB"


def run_workflow(compose: Compose, port: int) -> None:
    """Wait for the API server and the DAG, start a run, and wait until it succeeds."""
    read = ("exec", "-T", "api-server", "cat", "/opt/airflow/home/passwords.json")
    passwords = wait_for("The API server", START_SECONDS, lambda: json.loads(compose(*read, quiet=True) or "null"))
    keys = {USER: "admin", PASSWORD: passwords["admin"]}
    url = f"http://127.0.0.1:{port}"
    wait_for("The API server", START_SECONDS, lambda: is_healthy(url))
    with ServerApi(url, keys) as server:
        wait_for(f"The DAG {DAG}", START_SECONDS, lambda: server.has_dag(DAG))
        server.unpause(DAG)
        server.trigger(DAG, RUN_ID, CONF)
        print(f"Airflow answers at {url}; a run of {DAG} has begun.", flush=True)
        state = wait_for("The end of the run", RUN_SECONDS, lambda: find_end_state(server))
        tasks = [f"{task['task_id']} {task['state']}" for task in server.list_tasks(DAG, RUN_ID)]
    if state != "success":
        show = f'grep -h \'"level":"error"\' -r /opt/airflow/home/logs/dag_id={DAG} | tail -n 5'
        print(compose("exec", "-T", "scheduler", "sh", "-c", show, quiet=True), file=sys.stderr)
        raise SystemExit(f"The run of {DAG} has ended as {state}: {', '.join(tasks)}")


def find_end_state(server: ServerApi) -> str:
    """The final state of the run; empty while it is in progress."""
    state = server.get_run_state(DAG, RUN_ID)
    return state if state in ("success", "failed") else ""


def is_healthy(url: str) -> bool:
    """Whether an Airflow responds at the address."""
    try:
        return httpx.get(f"{url}/api/v2/monitor/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def wait_for(what: str, seconds: float, find: Callable[[], T | None]) -> T:
    """Call `find` until it returns a value; SystemExit after a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := find():
            return result
        time.sleep(2)
    raise SystemExit(f"{what} was not there after {seconds:.0f} s.")


def free_port() -> int:
    """Find a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
