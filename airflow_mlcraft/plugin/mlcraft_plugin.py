"""The Airflow plugin: listeners, the web app, and the places of its pages in Airflow's web UI."""

from __future__ import annotations

import logging
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_mlcraft import settings
from airflow_mlcraft.plugin import ended_runs, import_errors, preload
from airflow_mlcraft.plugin.web.lazy_app import URL_PREFIX, LazyApp

# Relative, so that an Airflow below a path of its server finds them too.
_PAGES = "mlcraft/pages"
_ICONS = {"icon": f"{_PAGES}/workflow.svg", "icon_dark_mode": f"{_PAGES}/workflow_dark.svg"}

EXTERNAL_VIEWS: list[dict[str, Any]] = [
    {
        "name": "Workflows",
        "href": f"{_PAGES}/builder.html",
        "destination": "nav",
        "url_route": "workflows",
        "nav_top_level": True,
        **_ICONS,
    },
    {
        "name": "CWL",
        "href": f"{_PAGES}/view.html?dag_id={{DAG_ID}}",
        "destination": "dag",
        "url_route": "cwl",
        **_ICONS,
    },
    {
        "name": "CWL",
        "href": f"{_PAGES}/view.html?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
        "destination": "dag_run",
        "url_route": "cwl_run",
        **_ICONS,
    },
]

log = logging.getLogger(__name__)


class MlcraftPlugin(AirflowPlugin):
    """The plugin that Airflow loads by its entry point."""

    name = "mlcraft"
    listeners = [preload, ended_runs, import_errors]  # noqa: RUF012
    fastapi_apps = [{"app": LazyApp(), "url_prefix": URL_PREFIX, "name": "MLcraft"}]  # noqa: RUF012
    external_views = EXTERNAL_VIEWS

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Log a warning for each invalid setting; code that needs it fails with the same message."""
        for problem in settings.find_problems():
            log.warning("%s", problem)
