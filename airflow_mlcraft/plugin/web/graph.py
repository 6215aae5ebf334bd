"""The picture of a DAG's document."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends

from airflow_mlcraft.cwl.portable import placed
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.graph import Picture
from airflow_mlcraft.library.positions import Positions, positions_in
from airflow_mlcraft.operators.base import plan_cache
from airflow_mlcraft.plugin.web.access import AccessDep
from airflow_mlcraft.plugin.web.places import documents
from airflow_mlcraft.plugin.web.plans import DagPlan, plan_of_dag

router = APIRouter()


@router.get("/dags/{dag_id}/graph", dependencies=[Depends(requires_access_dag("GET"))])
def graph(dag_id: str, access: AccessDep, session: SessionDep, run_id: str = "") -> dict[str, Any]:
    """Of the DAG as it is now; with `run_id`, as it was for that run."""
    found = plan_of_dag(session, dag_id, run_id)
    folder = documents()
    path = _path_of(found, folder)
    picture = Picture(found.layout, plan_cache().tool, _positions(found, folder))
    return {
        "dag_id": dag_id,
        "title": found.title,
        "doc": found.doc,
        "path": path,
        "can_edit": path is not None and not folder.why_not_writable() and access.may("PUT", dag_id),
        "graph": picture.draw(),
        "run_inputs": placed(picture.inputs(), found.plan.base),
    }


def _path_of(found: DagPlan, folder: DocumentFolder) -> str | None:
    """The document's path in the folder; none for a document of elsewhere, or one that is gone."""
    document = found.document.resolve()
    if not document.is_relative_to(folder.root) or not document.is_file():
        return None
    return document.relative_to(folder.root).as_posix()


def _positions(found: DagPlan, folder: DocumentFolder) -> Positions:
    # A document of another folder may be drawn with what lies beside it.
    inside = folder.root if found.document.resolve().is_relative_to(folder.root) else found.document.parent
    return positions_in(found.document, inside, found.plan.document.partition("#")[2])
