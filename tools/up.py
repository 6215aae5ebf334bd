"""`make up`: Airflow's web UI, its scheduler and its workers, and MLflow's server, until Ctrl-C."""

from __future__ import annotations

import os
import sys

from project_home import PROJECT, UI

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.project.server.web_ui import Addresses, run_until_stopped


def main() -> int:
    """Run the servers until Ctrl-C. Returns the exit code."""
    print("Starting Airflow and MLflow …", flush=True)
    ports = {"port": int(os.environ.get("PORT") or 0), "mlflow_port": int(os.environ.get("MLFLOW_PORT") or 0)}
    try:
        return run_until_stopped(UI, **ports, on_ready=print_addresses, on_stopping=print_stopping)
    except MlcraftError as error:
        sys.exit(f"{error} (make up PORT=…)" if ports["port"] else str(error))


def print_addresses(found: Addresses) -> None:
    """Print the addresses of both servers, and the login."""
    print(
        f"\n  Airflow   {found.airflow}\n  user      {found.user}\n  password  {found.password}\n\n"
        f"  MLflow    {found.mlflow}\n\n"
        f"The log is in {UI.log.relative_to(PROJECT)}. Stop it with Ctrl-C.",
        flush=True,
    )


def print_stopping() -> None:
    """Print that the servers are being stopped, which takes some seconds."""
    print("\nStopping …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
