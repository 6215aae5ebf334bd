"""Permissions of the user, from Airflow's auth manager for the DAG of a document; and the check of a write's origin."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from fastapi import APIRouter, Depends, HTTPException, Request

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_api import GetUserDep, filter_dag_ids, is_dag_allowed
from airflow_mlcraft.plugin.web.document_folder import documents, sandbox

_SAFE = ("GET", "HEAD", "OPTIONS")


class Access:
    """The permissions of the user of a request."""

    def __init__(self, user: Any) -> None:
        self.user = user

    def require(self, method: Any, dag_id: str | None, entity: Any = None) -> None:
        """Raise 403 unless the user may use the method on that DAG; on DAGs in general when it is None."""
        if not self.can(method, dag_id, entity):
            verb = {"GET": "see", "PUT": "edit", "POST": "run", "DELETE": "delete"}[method]
            what = f"the DAG {dag_id}" if dag_id else "DAGs"
            raise HTTPException(403, f"{self.name} may not {verb} {what}; ask who looks after this Airflow")

    def can(self, method: Any, dag_id: str | None, entity: Any = None) -> bool:
        """Whether the user may use the method on that DAG."""
        return is_dag_allowed(self.user, method, dag_id, entity)

    def filter_dags(self, method: Any, dag_ids: Collection[str]) -> set[str]:
        """The DAGs among these that the user may use the method on."""
        return filter_dag_ids(self.user, method, dag_ids)

    @property
    def name(self) -> str:
        """The user's name."""
        return str(self.user.get_name())


def _access(user: GetUserDep) -> Access:
    # Some versions of FastAPI do not resolve postponed annotations of a class's own __init__.
    return Access(user)


AccessDep = Annotated[Access, Depends(_access)]


def require_same_origin(request: Request) -> None:
    """Raise 403 for a writing request that a page of another site has sent with this browser's cookie."""
    if request.method in _SAFE or _is_same_origin(request):
        return
    raise HTTPException(
        403, "The request does not come from a page of this Airflow; send it from there, with its Origin header"
    )


def _is_same_origin(request: Request) -> bool:
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is not None:
        return _host(origin) in _own_hosts(request) and site in (None, "same-origin")
    return site == "same-origin"


def _own_hosts(request: Request) -> set[tuple[str, str]]:
    """The hosts of the request and of `[api] base_url`."""
    own = {_host(f"{request.url.scheme}://{request.headers.get('host', '')}")}
    base = conf.get("api", "base_url", fallback="")
    return own | ({_host(base)} if base else set())


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return parts.scheme, parts.netloc.lower().removesuffix(default)


router = APIRouter()
_PARSE_SECONDS = 2.0
"""The time until a DAG file is parsed after a request to Airflow."""


@router.get("/me")
def get_user(access: AccessDep) -> dict[str, Any]:
    """The user's name and permissions, and the state of the documents' folder."""
    folder = documents()
    can_edit = access.can("PUT", None)
    if can_edit:
        sandbox.warm_up()
    why_not = folder.find_write_obstacle()
    update = conf.getfloat("core", "min_serialized_dag_update_interval", fallback=30)
    return {
        "user": access.name,
        "can_edit": can_edit,
        "folder": str(folder.root),
        "writable": not why_not,
        "why_not": why_not,
        "airflow": {"dag_parsing_seconds": max(_PARSE_SECONDS, update)},
        "composer_form_default": settings.get_bool("composer_form"),
    }
