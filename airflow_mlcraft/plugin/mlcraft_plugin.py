"""The plugin, as Airflow finds it by its entry point."""

from __future__ import annotations

import logging
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_mlcraft import settings
from airflow_mlcraft.plugin import ended_runs, import_errors, preload
from airflow_mlcraft.plugin.views import EXTERNAL_VIEWS
from airflow_mlcraft.plugin.web.lazy_app import URL_PREFIX, LazyApp

log = logging.getLogger(__name__)


class MlcraftPlugin(AirflowPlugin):
    """Makes Airflow ready for CWL steps, and puts the pages into its web UI."""

    name = "mlcraft"
    listeners = [preload, ended_runs, import_errors]  # noqa: RUF012
    fastapi_apps = [{"app": LazyApp(), "url_prefix": URL_PREFIX, "name": "MLcraft"}]  # noqa: RUF012
    external_views = EXTERNAL_VIEWS

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Warn of settings that cannot be used; what needs one of them fails with the same sentence."""
        for problem in settings.problems():
            log.warning("%s", problem)
