"""The plugin, as Airflow finds it by its entry point."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from airflow_mlcraft.plugin import ended_runs, preload
from airflow_mlcraft.plugin.views import EXTERNAL_VIEWS
from airflow_mlcraft.plugin.web.lazy_app import URL_PREFIX, LazyApp


class MlcraftPlugin(AirflowPlugin):
    """Makes Airflow ready for CWL steps, and puts the pages into its web UI."""

    name = "mlcraft"
    listeners = [preload, ended_runs]  # noqa: RUF012
    fastapi_apps = [{"app": LazyApp(), "url_prefix": URL_PREFIX, "name": "MLcraft"}]  # noqa: RUF012
    external_views = EXTERNAL_VIEWS
