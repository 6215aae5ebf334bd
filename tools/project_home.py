"""The Airflow of this checkout, below .mlcraft/ and apart from the user's Airflow."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project.server.web_ui import UiHome

PROJECT = Path(__file__).resolve().parents[1]
FOLDER = PROJECT / ".mlcraft"
UI = UiHome(FOLDER, PROJECT / "dags", FOLDER / "airflow" / "mlcraft")
HOME = UI.airflow
DATABASE = UI.database


def environment(**more: str) -> dict[str, str]:
    """The environment of Airflow's commands."""
    return UI.environment(**more)


def prepare_database() -> bool:
    """Create the database, once for each version of Airflow. Returns False if it exists."""
    try:
        return UI.prepare_database()
    except MlcraftError as error:
        sys.exit(str(error))
