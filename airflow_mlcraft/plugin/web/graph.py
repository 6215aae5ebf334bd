"""The route of a DAG's graph, and the lookup of the plan that a DAG runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

from airflow_mlcraft.adapters.airflow_api import SessionDep, requires_access_dag
from airflow_mlcraft.adapters.airflow_core import DagVersion, SerializedDagModel, TaskInstance
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.layout.layout import Layout, build_layout
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.graph import PlanGraph, Positions, read_positions
from airflow_mlcraft.plugin.web.access import AccessDep
from airflow_mlcraft.plugin.web.document_folder import documents

router = APIRouter()


@router.get("/dags/{dag_id}/graph", dependencies=[Depends(requires_access_dag("GET"))])
def graph(dag_id: str, access: AccessDep, session: SessionDep, run_id: str = "") -> dict[str, Any]:
    """The graph of the current DAG; with `run_id`, of the DAG version of that run."""
    dag_plan = plan_of_dag(session, dag_id, run_id)
    folder = documents()
    path = _path_in_folder(dag_plan, folder)
    plan_graph = PlanGraph(dag_plan.layout, open_plan_cache().tool, _positions(dag_plan, folder))
    return {
        "dag_id": dag_id,
        "title": dag_plan.title,
        "doc": dag_plan.doc,
        "path": path,
        "can_edit": path is not None and not folder.find_write_obstacle() and access.can("PUT", dag_id),
        "graph": plan_graph.to_json(),
        "run_inputs": restore_locations(plan_graph.inputs(), dag_plan.plan.base),
    }


def _path_in_folder(dag_plan: DagPlan, folder: DocumentFolder) -> str | None:
    """The document's path in the folder; none for a document of elsewhere, or one that is gone."""
    document = dag_plan.document.resolve()
    if not document.is_relative_to(folder.root) or not document.is_file():
        return None
    return document.relative_to(folder.root).as_posix()


def _positions(dag_plan: DagPlan, folder: DocumentFolder) -> Positions:
    # Positions of a document outside of the folder may come from the files beside it.
    readable_folder = (
        folder.root if dag_plan.document.resolve().is_relative_to(folder.root) else dag_plan.document.parent
    )
    return read_positions(dag_plan.document, readable_folder, dag_plan.plan.document.partition("#")[2])


_FIRST_TASK = "CwlInputsOperator"


@dataclass(frozen=True)
class DagPlan:
    """The plan of a DAG, with the prefix of its task ids in it."""

    plan: Plan
    prefix: str
    title: str
    doc: str

    @property
    def layout(self) -> Layout:
        """The layout of the plan's tasks."""
        return build_layout(self.plan, self.prefix)

    @property
    def document(self) -> Path:
        """The document's file."""
        return Path(self.plan.base) / self.plan.file


def plan_of_dag(session: Session, dag_id: str, run_id: str = "") -> DagPlan:
    """The plan of a DAG as it is now, or as it was for a run. Raises 404 for a DAG that no document has made."""
    data = _load_serialized_dag(session, dag_id, run_id)
    for task in _tasks(data):
        if task.get("task_type", task.get("_task_type")) == _FIRST_TASK:
            plan = open_plan_cache().find_plan(task["plan"])
            if plan is None:
                raise HTTPException(
                    404,
                    f"The compiled document of {dag_id} is not in the folder that [mlcraft] cache names for the API "
                    "server; share it with the DAG processor",
                )
            prefix = str(task["task_id"]).removesuffix("inputs")
            return DagPlan(plan, prefix, data.get("dag_display_name") or dag_id, data.get("doc_md") or "")
    raise HTTPException(404, f"The DAG {dag_id} is not made of a CWL document")


def _load_serialized_dag(session: Session, dag_id: str, run_id: str) -> dict[str, Any]:
    query = select(SerializedDagModel).where(SerializedDagModel.dag_id == dag_id)
    version = _version_of_run(session, dag_id, run_id) if run_id else None
    if version is not None:
        row = session.scalar(query.where(SerializedDagModel.dag_version_id == version))
    else:
        row = session.scalar(query.order_by(SerializedDagModel.created_at.desc()).limit(1))
    if row is None or not row.data:
        raise HTTPException(404, f"There is no DAG {dag_id}, or Airflow has not read it yet")
    dag: dict[str, Any] = row.data["dag"]
    return dag


def _version_of_run(session: Session, dag_id: str, run_id: str) -> Any:
    """The newest DAG version of the run's tasks."""
    return session.scalar(
        select(DagVersion.id)
        .join(TaskInstance, TaskInstance.dag_version_id == DagVersion.id)
        .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
        .order_by(DagVersion.version_number.desc())
        .limit(1)
    )


def _tasks(dag: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for task in dag.get("tasks", ()):
        yield task.get("__var", task)
