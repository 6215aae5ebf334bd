"""`make up`: Airflow's web UI, its scheduler and its workers, and MLflow's server, until Ctrl-C."""

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
from contextlib import suppress
from pathlib import Path
from typing import Any

from project_home import AIRFLOW, FOLDER, HOME, PROJECT, environment, prepare_database

HOST = "127.0.0.1"
FIRST_PORT = 8080
FIRST_MLFLOW_PORT = 5000
MLFLOW = str(Path(AIRFLOW).with_name("mlflow"))
PASSWORDS = HOME / "passwords.json"
LOG = FOLDER / "up.log"
MLFLOW_LOG = FOLDER / "mlflow.log"
START = 180.0
STOP = 15.0


def main() -> int:
    """Run until somebody stops it."""
    # Also where Ctrl-C is ignored by inheritance, as in the background of a script.
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, _interrupt)
    port = free_port(os.environ.get("PORT"), FIRST_PORT)
    mlflow_port = free_port(os.environ.get("MLFLOW_PORT"), FIRST_MLFLOW_PORT)
    print("Starting Airflow and MLflow …", flush=True)
    prepare_database()
    # Its queues for jobs would be six more processes, which nothing here has work for.
    without_jobs = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
    mlflow = start([MLFLOW, "server", *mlflow_options(mlflow_port)], without_jobs, MLFLOW_LOG)
    server = start([AIRFLOW, "standalone"], server_environment(port, mlflow_port), LOG)
    try:
        wait_until_healthy(server, port)
        password = json.loads(PASSWORDS.read_text())["admin"]
        print(
            f"\n  Airflow   http://localhost:{port}\n  user      admin\n  password  {password}\n\n"
            f"  MLflow    http://localhost:{mlflow_port}\n\n"
            f"The log is in {LOG.relative_to(PROJECT)}. Stop it with Ctrl-C.",
            flush=True,
        )
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        stop(server, mlflow)


def start(command: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A server with a session of its own: the whole of it is stopped, also what it leaves behind."""
    with log.open("w") as said:
        return subprocess.Popen(command, cwd=PROJECT, env=env, stdout=said, stderr=said, start_new_session=True)


def mlflow_options(port: int) -> list[str]:
    """The same database that `make demo` fills without a server."""
    folder = HOME / "mlcraft"
    folder.mkdir(parents=True, exist_ok=True)
    store = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--artifacts-destination"]
    return [*store, str(folder / "artifacts"), "--host", HOST, "--port", str(port), "--workers", "1"]


def server_environment(port: int, mlflow_port: int) -> dict[str, str]:
    """The settings of a web UI that only this machine sees."""
    return environment(
        AIRFLOW__MLCRAFT__TRACKING_URI=f"http://{HOST}:{mlflow_port}",
        AIRFLOW__API__HOST=HOST,
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__BASE_URL=f"http://localhost:{port}",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://{HOST}:{port}/execution/",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS="admin:admin",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(PASSWORDS),
        # An edited document shows at once rather than after half a minute.
        AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL="0",
        AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL="5",
        # Airflow forgets the import error of a document, also of one that is mended, only when it looks
        # for DAG files again; by default that is after five minutes.
        AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL="30",
        # On a busy machine a task that asks the server may have to wait; by default it fails after five seconds.
        AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT="60",
    )


def free_port(asked: str | None, first: int) -> int:
    """The port that was asked for, or the first free one."""
    if asked:
        if not is_free(int(asked)):
            sys.exit(f"Port {asked} is in use; give another one, such as make up PORT={int(asked) + 1}.")
        return int(asked)
    return next(port for port in range(first, first + 1000) if is_free(port))


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True


def wait_until_healthy(server: subprocess.Popen[bytes], port: int) -> None:
    """Until the web UI, the scheduler and the DAG processor all answer."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"Airflow ended at once; {LOG} says why.")
        with suppress(OSError, urllib.error.URLError, ValueError):
            with urllib.request.urlopen(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=5) as answer:
                parts = json.load(answer)
            if all(parts[name]["status"] == "healthy" for name in ("scheduler", "dag_processor")):
                return
        time.sleep(0.5)
    sys.exit(f"Airflow did not answer within {START:.0f} seconds; {LOG} says why.")


def stop(*servers: subprocess.Popen[bytes]) -> None:
    """Stop all processes of the servers, kindly at first."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    with suppress(OSError):
        print("\nStopping …", flush=True)
    for kind in (signal.SIGTERM, signal.SIGKILL):
        for server in servers:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, kind)
        deadline = time.monotonic() + STOP
        while time.monotonic() < deadline:
            for server in servers:
                server.poll()
            if not any(members(server.pid) for server in servers):
                return
            time.sleep(0.2)


def members(group: int) -> bool:
    """Whether any process of the group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
