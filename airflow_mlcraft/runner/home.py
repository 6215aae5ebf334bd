"""The home of the embedded Airflow: its folder, and the settings of this process and its children."""

from __future__ import annotations

import base64
import contextlib
import gc
import os
import sys
from importlib.metadata import version
from pathlib import Path

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.runner import logs

# Settings of a deployment, some of which would break the embedded Airflow.
FOREIGN_SECTIONS = ("DATABASE", "LOGGING", "METRICS", "TRACES", "SCHEDULER", "DAG_PROCESSOR", "API")


def default_home() -> Path:
    """`$MLCRAFT_HOME`, or a folder of the user's cache for this Airflow and this Python."""
    if configured := os.environ.get("MLCRAFT_HOME"):
        return Path(configured).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache.absolute() / "mlcraft" / "embedded" / version_key()


def version_key() -> str:
    """The versions that a prepared database depends on."""
    return f"airflow-{version('apache-airflow-core')}-py{sys.version_info.major}.{sys.version_info.minor}"


class _Process:
    """The Airflow home of this process and its forked children."""

    home: Path | None = None
    environment: dict[str, str] = {}  # noqa: RUF012
    """The variables of the embedded Airflow."""
    has_environment: bool = False
    """Whether `os.environ` has them."""


def current_home() -> Path:
    """The home of this process."""
    if _Process.home is None:
        raise MlcraftError(
            "This process is no embedded Airflow: call prepare_embedded_airflow() before anything imports airflow."
        )
    return _Process.home


def prepare_embedded_airflow(home: Path | None = None) -> Path:
    """Make this process an embedded Airflow and import it. Raises when Airflow is already imported."""
    folder = (home or _Process.home or default_home()).expanduser().absolute()
    if _Process.home == folder:
        if not _Process.has_environment:
            _set_environment()
        return folder
    if (loaded := sys.modules.get("airflow.configuration")) is not None:
        raise MlcraftError(
            f"Airflow is already loaded with its home in {loaded.AIRFLOW_HOME}; the embedded Airflow "
            f"in {folder} must be prepared before anything imports airflow."
        )
    folder.mkdir(parents=True, exist_ok=True)
    _Process.environment = embedded_environment(folder)
    _set_environment()
    # Imported modules stay: collecting garbage among them, now or at the process's end, takes a second.
    gc.disable()
    # Airflow's log handlers keep the current sys.stdout, and stdout is for the caller's output.
    with contextlib.redirect_stdout(sys.stderr):
        import airflow  # noqa: F401
    gc.freeze()
    gc.enable()
    logs.install()
    _Process.home = folder
    return folder


def _set_environment() -> None:
    """Set the variables of the embedded Airflow, and remove those of the user's Airflow."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW__")]:
        if name.split("__")[1] in FOREIGN_SECTIONS:
            del os.environ[name]
    os.environ.update(_Process.environment)
    _Process.has_environment = True


def leave_environment() -> None:
    """In a fork that got another process's environment: let the next `prepare_embedded_airflow` set the variables."""
    _Process.has_environment = False


def random_secret() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def embedded_environment(folder: Path) -> dict[str, str]:
    """The environment of the embedded Airflow."""
    return {
        "AIRFLOW_HOME": str(folder),
        # A file that does not exist, so that AIRFLOW_CONFIG does not select the user's own airflow.cfg.
        "AIRFLOW_CONFIG": str(folder / "airflow.cfg"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'unused.db'}",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        # The values that these keys protect do not outlive the run.
        "AIRFLOW__CORE__FERNET_KEY": random_secret(),
        "AIRFLOW__API_AUTH__JWT_SECRET": random_secret(),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "False",
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": " ".join(f"{name}={level}" for name, level in logs.LEVELS.items()),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
