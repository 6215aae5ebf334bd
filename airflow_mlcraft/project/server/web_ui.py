"""Local servers of `mlcraft ui`: Airflow's web UI with scheduler and workers, and MLflow's server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import translate_os_errors, write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import HIDDEN_FOLDER, Projects
from airflow_mlcraft.project.user_dirs import find_shipped

HOST = "127.0.0.1"
FIRST_PORT = 8080
FIRST_MLFLOW_PORT = 5000
AIRFLOW = str(Path(sys.executable).with_name("airflow"))
MLFLOW = str(Path(sys.executable).with_name("mlflow"))
_START_SECONDS = 300.0
_STOP_SECONDS = 15.0
_AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


_LANGUAGE_VARIABLES = ("AIRFLOW__MLCRAFT__FUSE", "AIRFLOW__MLCRAFT__DEVELOPMENT_VERSIONS")
"""The settings of Airflow's that a caller's environment can change here: how documents are read."""


@dataclass(frozen=True)
class UiHome:
    """An Airflow apart from the user's: its folder, its DAG files, and the folder of MLflow's database."""

    folder: Path
    dags: Path
    mlflow: Path
    documents: Path | None = None
    """The documents that the workflow builder shows; None: those beside the DAG files."""

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def database(self) -> Path:
        return self.airflow / "airflow.db"

    @property
    def passwords(self) -> Path:
        return self.airflow / "passwords.json"

    @property
    def log(self) -> Path:
        return self.folder / "up.log"

    def make_private(self) -> None:
        """Deny other users access to the folder, because two files in it contain the password."""
        with translate_os_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of Airflow's commands."""
        env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AIRFLOW") or name in _LANGUAGE_VARIABLES
        }
        documents = {"AIRFLOW__MLCRAFT__DOCUMENTS": str(self.documents)} if self.documents else {}
        return env | {
            "AIRFLOW_HOME": str(self.airflow),
            "AIRFLOW_CONFIG": str(self.airflow / "airflow.cfg"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.airflow / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__AUTH_MANAGER": _AUTH_MANAGER,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            # Tools find the commands of this Python environment first.
            "PATH": os.pathsep.join([str(Path(AIRFLOW).parent), env.get("PATH", os.defpath)]),
            **documents,
            **more,
        }

    def prepare_database(self) -> bool:
        """Create the database, once for each version of Airflow. Returns False if it exists."""
        stamp = self.airflow / f"database-of-airflow-{version('apache-airflow-core')}"
        if stamp.exists() and self.database.exists():
            return False
        self.airflow.mkdir(parents=True, exist_ok=True)
        log = self.folder / "database.log"
        with log.open("w") as file:
            command = [AIRFLOW, "db", "migrate"]
            completed = subprocess.run(command, env=self.environment(), stdout=file, stderr=file, check=False)  # noqa: S603
        if completed.returncode:
            raise ProjectError(f"Airflow's database could not be made; {log} says why")
        stamp.touch()
        return True


@dataclass(frozen=True)
class Addresses:
    """The addresses of both servers, and the login of Airflow."""

    airflow: str
    user: str
    password: str
    mlflow: str


def prepare_home(projects: Projects) -> UiHome:
    """Prepare the Airflow that shows the projects of a folder and the shipped workflows, with its DAG files."""
    folder = projects.root / HIDDEN_FOLDER / "ui"
    dags = folder / "dags"
    with translate_os_errors(folder):
        dags.mkdir(parents=True, exist_ok=True)
        for name, documents in (("projects", projects.root), ("shipped", find_shipped("workflows").parent)):
            text = f"from airflow_mlcraft import load_cwl_dags\n\nload_cwl_dags(globals(), {str(documents)!r})\n"
            if not (dags / f"{name}.py").is_file() or (dags / f"{name}.py").read_text("utf-8") != text:
                write_text_atomically(dags / f"{name}.py", text)
    return UiHome(folder, dags, projects.tracking_folder, projects.root)


def run_until_stopped(
    home: UiHome,
    *,
    port: int = 0,
    mlflow_port: int = 0,
    on_ready: Callable[[Addresses], None],
    on_stopping: Callable[[], None],
) -> int:
    """Start both servers, call `on_ready` once they answer, and stop them at Ctrl-C or SIGTERM.

    Returns the exit code of Airflow.
    """
    home.make_private()
    port = _choose_port(port, FIRST_PORT)
    mlflow_port = _choose_port(mlflow_port, FIRST_MLFLOW_PORT)
    # Also if SIGINT is ignored by inheritance, as in the background of a script.
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, _raise_interrupt)
    home.prepare_database()
    # MLflow's job queues would be six more processes, which are not used.
    without_jobs = home.environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    servers = [_start([MLFLOW, "server", *_mlflow_options(home, mlflow_port)], without_jobs, home, "mlflow.log")]
    try:
        environment = _server_environment(home, port, mlflow_port)
        servers.append(_start([AIRFLOW, "standalone"], environment, home, home.log.name))
        _wait_until_healthy(servers[1], port, home.log)
        password = json.loads(home.passwords.read_text())["admin"]
        on_ready(Addresses(f"http://localhost:{port}", "admin", password, f"http://localhost:{mlflow_port}"))
        return servers[1].wait()
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(servers, on_stopping)


def _start(command: list[str], env: dict[str, str], home: UiHome, log: str) -> subprocess.Popen[bytes]:
    """Start a server in its own session, so that all its processes can be stopped together."""
    with (home.folder / log).open("w") as log_file:
        return subprocess.Popen(  # noqa: S603
            command, cwd=home.folder.parent, env=env, stdout=log_file, stderr=log_file, start_new_session=True
        )


def _mlflow_options(home: UiHome, port: int) -> list[str]:
    """Options of `mlflow server`, with the database that runs without a server use too."""
    home.mlflow.mkdir(parents=True, exist_ok=True)
    store = ["--backend-store-uri", f"sqlite:///{home.mlflow / 'mlflow.db'}", "--artifacts-destination"]
    return [*store, str(home.mlflow / "artifacts"), "--host", HOST, "--port", str(port), "--workers", "1"]


def _server_environment(home: UiHome, port: int, mlflow_port: int) -> dict[str, str]:
    """Environment variables of a web UI that only this machine can reach."""
    return home.environment(
        AIRFLOW__MLCRAFT__TRACKING_URI=f"http://{HOST}:{mlflow_port}",
        # Only the user who has started it can log in, so the pages may do what the command line may.
        AIRFLOW__MLCRAFT__RUN_CODE="True",
        AIRFLOW__MLCRAFT__ALLOW_JOB_REQUIREMENTS="True",
        AIRFLOW__MLCRAFT__ALLOWED_CONNECTIONS="*",
        AIRFLOW__MLCRAFT__ALLOWED_SECRETS="*",
        AIRFLOW__MLCRAFT__ALLOWED_PATHS="/",
        AIRFLOW__MLCRAFT__ALLOWED_HOSTS="*",
        AIRFLOW__API__HOST=HOST,
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__BASE_URL=f"http://localhost:{port}",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://{HOST}:{port}/execution/",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="admin:admin",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(home.passwords),
        # An edited document shows at once rather than after half a minute.
        AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL="0",
        AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="5",
        # Airflow removes the import error of a corrected document only at the next search for
        # DAG files; by default that is after five minutes.
        AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL="30",
        # On a busy machine a task that asks the server may have to wait; by default it fails after five seconds.
        AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT="60",
    )


def _choose_port(requested: int, first: int) -> int:
    """The requested port, or the first free one. Raises ProjectError if the requested one is in use."""
    if requested and not _is_free(requested):
        raise ProjectError(f"port {requested} is in use", f"name another, such as {requested + 1}")
    return requested or next(port for port in range(first, first + 1000) if _is_free(port))


def _is_free(port: int) -> bool:
    """Whether no process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _wait_until_healthy(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until the web UI, the scheduler and the DAG processor are healthy."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise ProjectError(f"Airflow ended at once; {log} says why")
        with suppress(OSError, urllib.error.URLError, ValueError):
            with urllib.request.urlopen(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=5) as response:
                parts = json.load(response)
            if all(parts[name]["status"] == "healthy" for name in ("scheduler", "dag_processor")):
                return
        time.sleep(0.5)
    raise ProjectError(f"Airflow did not answer within {_START_SECONDS:.0f} seconds; {log} says why")


def _stop(servers: list[subprocess.Popen[bytes]], on_stopping: Callable[[], None]) -> None:
    """Stop all processes of the servers: SIGTERM, and SIGKILL after a time."""
    for signal_number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, signal.SIG_IGN)
    with suppress(OSError):
        on_stopping()
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        for server in servers:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal_number)
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            for server in servers:
                server.poll()
            if not any(_has_members(server.pid) for server in servers):
                return
            time.sleep(0.2)


def _has_members(group: int) -> bool:
    """Whether a process of the group is alive."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _raise_interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
