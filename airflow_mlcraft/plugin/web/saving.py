"""Routes that save, rename, copy and delete documents, after which Airflow parses them at once."""

from __future__ import annotations

from typing import Annotated, Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.log import Log
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from airflow_mlcraft.library.catalogue import SHIPPED, copy_shipped, load_text
from airflow_mlcraft.library.problems import find_problems
from airflow_mlcraft.library.references import move_references
from airflow_mlcraft.plugin.web.access import Access, AccessDep, same_origin
from airflow_mlcraft.plugin.web.document_folder import document_access, documents, sandbox
from airflow_mlcraft.plugin.web.reparse import ask_to_parse, forget, forget_error

router = APIRouter(dependencies=[Depends(same_origin)])


class Save(BaseModel):
    """A text, and the version that it was made from; none for a new document."""

    text: str
    base: str | None = None


class Move(BaseModel):
    """The new path, and the version that is meant."""

    to: str
    base: str


class Copy(BaseModel):
    """The path of the copy."""

    to: str


class Take(BaseModel):
    """Where a shipped document goes; to the place that it has among the shipped ones when left out."""

    to: str | None = None


class Desk:
    """Somebody who changes documents of the folder."""

    def __init__(self, access: Access, session: Session) -> None:
        self.access = access
        self.session = session
        self.folder = documents()

    def require(self, path: str, method: str = "PUT") -> str:
        """403 unless the user may do so to the DAG that the document makes, or would make; its id."""
        self.folder.path_of(path)
        dag_id = self.folder.dag_id(path)
        self.access.require(method, dag_id)
        return dag_id

    def written(self, path: str, version: str, event: str) -> dict[str, Any]:
        """Compile what was written, so that Airflow's parse finds it ready, and then ask for that parse."""
        dag_id = self.folder.dag_id(path)
        text = self.folder.read(path).text
        problems = find_problems(
            sandbox, self.folder.path_of(path), text, dag_id, document_access(self.folder), keep=True
        )
        self.note(event, dag_id, path)
        if not problems:
            forget_error(self.session, self.folder.root, path)
        ask_to_parse(self.session, dag_id, self.folder.dag_ids().values())
        return {"path": path, "version": version, "dag_id": dag_id, "problems": [found.to_json() for found in problems]}

    def gone(self, path: str, dag_id: str, event: str) -> None:
        """Airflow is to forget the DAG of a document that was there."""
        self.note(event, dag_id, path)
        others = self.folder.dag_ids().values()
        ask_to_parse(self.session, dag_id, others)
        forget(self.session, dag_id, others)
        forget_error(self.session, self.folder.root, path)

    def note(self, event: str, dag_id: str, what: str) -> None:
        """Into Airflow's audit log: who has changed which document."""
        self.session.add(Log(event=f"mlcraft_{event}_document", dag_id=dag_id, owner=self.access.name, extra=what))


def _desk(access: AccessDep, session: SessionDep) -> Desk:
    return Desk(access, session)


DeskDep = Annotated[Desk, Depends(_desk)]


@router.post("/documents/{path:path}/rename")
def rename(path: str, body: Move, desk: DeskDep) -> dict[str, Any]:
    """Give a document another path; what it refers to by relative paths stays the same."""
    old = desk.require(path)
    desk.require(body.to)
    text = move_references(desk.folder.read(path).text, path, body.to)
    version = desk.folder.rename(path, body.to, body.base, text)
    desk.gone(path, old, "rename")
    return desk.written(body.to, version, "save")


@router.post("/documents/{path:path}/duplicate")
def duplicate(path: str, body: Copy, desk: DeskDep) -> dict[str, Any]:
    """Make a copy under another path."""
    if not path.startswith(SHIPPED):
        desk.require(path, "GET")
    desk.require(body.to)
    text = move_references(load_text(desk.folder, path).text, path.removeprefix(SHIPPED), body.to)
    version = desk.folder.save(body.to, text, None)
    return desk.written(body.to, version, "duplicate")


@router.post("/documents/{path:path}/take")
def take_shipped(path: str, desk: DeskDep, body: Take | None = None) -> dict[str, Any]:
    """Copy a shipped document into the folder, with what it refers to."""
    to = (body.to if body else None) or path.removeprefix(SHIPPED)
    desk.require(to)
    version, brought = copy_shipped(desk.folder, path, to, desk.require)
    return {**desk.written(to, version, "take"), "brought": brought}


@router.put("/documents/{path:path}")
def save(path: str, body: Save, desk: DeskDep) -> dict[str, Any]:
    """Write a document, if it still is what it was when it was read."""
    desk.require(path)
    version = desk.folder.save(path, body.text, body.base)
    return desk.written(path, version, "save")


@router.delete("/documents/{path:path}", status_code=204)
def delete(path: str, base: Annotated[str, Query()], desk: DeskDep) -> None:
    """Remove a document; Airflow then forgets its DAG."""
    dag_id = desk.require(path)
    desk.folder.delete(path, base)
    desk.gone(path, dag_id, "delete")
