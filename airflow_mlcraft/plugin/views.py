"""Where the pages show up in Airflow's web UI."""

from __future__ import annotations

from typing import Any

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
