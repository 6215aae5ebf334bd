"""The project's own Airflow: everything below .mlcraft/, nothing of the user's Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / ".mlcraft"
HOME = FOLDER / "airflow"
DATABASE = HOME / "airflow.db"
AIRFLOW = str(Path(sys.executable).with_name("airflow"))


def environment(**more: str) -> dict[str, str]:
    """The environment of Airflow's commands."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return env | {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW_CONFIG": str(HOME / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(HOME / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{DATABASE}",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # The command beside this Python, also where a tool calls it.
        "PATH": os.pathsep.join([str(Path(AIRFLOW).parent), env.get("PATH", os.defpath)]),
        **more,
    }


def prepare_database() -> bool:
    """Make the database, once for each version of Airflow. False when it was there already."""
    stamp = HOME / f"database-of-airflow-{version('apache-airflow-core')}"
    if stamp.exists() and DATABASE.exists():
        return False
    HOME.mkdir(parents=True, exist_ok=True)
    log = FOLDER / "database.log"
    with log.open("w") as file:
        command = [AIRFLOW, "db", "migrate"]
        done = subprocess.run(command, env=environment(), stdout=file, stderr=file, check=False)
    if done.returncode:
        sys.exit(f"The database could not be made; {log} says why.")
    stamp.touch()
    return True
