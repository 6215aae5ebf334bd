"""The app behind /mlcraft: the pages, and what they ask for."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from airflow_mlcraft.plugin.web import (
    checking,
    documents,
    files,
    graph,
    me,
    pages,
    run_state,
    saving,
    schema,
    step_details,
)
from airflow_mlcraft.plugin.web.answers import add_error_handlers
from airflow_mlcraft.plugin.web.headers import SafeHeaders

_SHARED = ("auth_manager", "dag_bag", "secret_key")
"""What Airflow's own dependencies look for in the state of the app that they are called in."""
_ROUTES = (me, documents, saving, checking, schema, graph, run_state, step_details, files)


def make_app(airflow: Any) -> FastAPI:
    """The app, for the app of Airflow that it is mounted in."""
    app = FastAPI(title="MLcraft", docs_url=None, redoc_url=None, openapi_url=None)
    for name in _SHARED:
        setattr(app.state, name, getattr(airflow.state, name, None))
    add_error_handlers(app)
    app.add_middleware(SafeHeaders)
    for module in _ROUTES:
        app.include_router(module.router, prefix="/api")
    app.include_router(pages.router, prefix="/pages")
    return app
