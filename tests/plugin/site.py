"""A whole Airflow with the plugin: API server, scheduler and DAG processor, with users of several rights."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from tests.dag.real_airflow import RealAirflow

T = TypeVar("T")
START = 600.0
TIME_LIMIT = 300.0
USERS = {"admin": "admin", "op": "op", "user": "user", "viewer": "viewer", "editor": "user", "outsider": "user"}


class Site(RealAirflow):
    """An Airflow that answers over HTTP."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        passwords = home / "passwords.json"
        passwords.write_text(json.dumps({name: f"password of {name}" for name in USERS}))
        self.environment |= {
            # Standalone starts the command beside this Python.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__AUTH_MANAGER": "tests.plugin.single_dags.SingleDags",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__SECRET_KEY": "a key of the tests",
            "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests, " * 4,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__MLCRAFT__UPLOAD_LIMIT": "100000",
            "AIRFLOW__MLCRAFT__TRACKING": "never",
        }

    def client(self, user: str = "admin", **headers: str) -> httpx.Client:
        """A browser of somebody who has logged in, on a page of this Airflow."""
        browser = httpx.Client(base_url=self.url, timeout=120, headers={"Origin": self.url, **headers})
        if user:
            login = {"username": user, "password": f"password of {user}"}
            answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=120)
            browser.cookies.set("_token", answer.json()["access_token"])
        return browser

    @contextmanager
    def running(self) -> Iterator[Site]:
        """As long as it is needed; whatever happens, no process is left."""
        processes = [self._started(name) for name in ("api-server", "scheduler", "dag-processor")]
        try:
            self._wait_until_healthy(processes)
            yield self
        finally:
            _stop(processes)

    def _started(self, name: str) -> subprocess.Popen[bytes]:
        # Standalone would take no other auth manager than Airflow's simple one.
        with (self.home / f"{name}.log").open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "airflow", name],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def _wait_until_healthy(self, processes: list[subprocess.Popen[bytes]]) -> None:
        def healthy() -> bool:
            assert all(process.poll() is None for process in processes), f"see the logs in {self.home}"
            with suppress(httpx.HTTPError, ValueError):
                parts = httpx.get(f"{self.url}/api/v2/monitor/health").json()
                return all(parts[name]["status"] == "healthy" for name in ("scheduler", "dag_processor"))
            return False

        wait_until(healthy, "a healthy Airflow", START)


class Run:
    """A run of a DAG, as the pages see it."""

    def __init__(self, client: httpx.Client, dag_id: str, conf: dict[str, Any]) -> None:
        self._client = client
        answer = client.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"conf": conf, "logical_date": None})
        assert answer.is_success, answer.text
        self.run_id = answer.json()["dag_run_id"]
        self.url = f"/mlcraft/api/dags/{dag_id}/runs/{quote(self.run_id)}"

    def state(self) -> dict[str, Any]:
        """What is polled while it runs."""
        answer = self._client.get(f"{self.url}/state")
        assert answer.is_success, answer.text
        state: dict[str, Any] = answer.json()
        return state

    def ended(self) -> dict[str, Any]:
        """The state, once it has ended."""
        return wait_until(lambda: (now := self.state())["state"] in ("success", "failed") and now, "the end of a run")

    def step(self, key: str, **query: Any) -> dict[str, Any]:
        """A step's details."""
        answer = self._client.get(f"{self.url}/steps/{key}", params=query)
        assert answer.is_success, answer.text
        details: dict[str, Any] = answer.json()
        return details


def wait_until(condition: Callable[[], T | bool], what: str, seconds: float = TIME_LIMIT) -> T:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return value  # type: ignore[return-value]


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for kind in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, kind)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if not any(_is_alive(process) for process in processes):
                return
            time.sleep(0.1)


def _is_alive(process: subprocess.Popen[bytes]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        port: int = attempt.getsockname()[1]
    return port
