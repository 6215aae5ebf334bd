"""The plugin, as Airflow finds it by its entry point."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_mlcraft.plugin import ended_runs, preload


class MlcraftPlugin(AirflowPlugin):
    """Makes Airflow ready for CWL steps."""

    name = "mlcraft"
    listeners = [preload, ended_runs]  # noqa: RUF012
