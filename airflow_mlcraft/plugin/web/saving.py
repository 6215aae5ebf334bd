"""Routes that save, rename, copy and delete documents, after which Airflow parses them at once."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy.orm import Session

from airflow_mlcraft.adapters.airflow_api import SessionDep
from airflow_mlcraft.adapters.airflow_core import Log
from airflow_mlcraft.library.catalogue import SHIPPED, copy_shipped, load_text
from airflow_mlcraft.library.problems import find_problems
from airflow_mlcraft.library.references import move_references
from airflow_mlcraft.plugin.web.access import Access, AccessDep, require_same_origin
from airflow_mlcraft.plugin.web.document_folder import document_access, documents, sandbox
from airflow_mlcraft.plugin.web.reparse import delete_import_error, mark_stale, request_parsing

router = APIRouter(dependencies=[Depends(require_same_origin)])


class Save(BaseModel):
    """The new text, and the version that it was edited from; None for a new document."""

    text: str
    base: str | None = None


class Move(BaseModel):
    """The new path, and the version that the user has seen."""

    to: str
    base: str


class Copy(BaseModel):
    """The path of the copy."""

    to: str


class CopyShipped(BaseModel):
    """The path of the copy of a shipped document; its path among the shipped ones when left out."""

    to: str | None = None


class DocumentEditor:
    """Changes documents of the folder on behalf of the request's user."""

    def __init__(self, access: Access, session: Session) -> None:
        self.access = access
        self.session = session
        self.folder = documents()

    def require(self, path: str, method: str = "PUT") -> str:
        """Raise 403 unless the user may use the method on the document's DAG, which may not exist yet; its id."""
        self.folder.path_of(path)
        dag_id = self.folder.dag_id(path)
        self.access.require(method, dag_id)
        return dag_id

    def after_write(self, path: str, version: str, event: str) -> dict[str, Any]:
        """Compile the written document, so that Airflow's parse finds its plan, and request that parse."""
        dag_id = self.folder.dag_id(path)
        text = self.folder.read(path).text
        problems = find_problems(
            sandbox, self.folder.path_of(path), text, dag_id, document_access(self.folder), keep=True
        )
        self.log_change(event, dag_id, path)
        if not problems:
            delete_import_error(self.session, self.folder.root, path)
        request_parsing(self.session, dag_id, self.folder.list_dag_ids().values())
        return {
            "path": path,
            "version": version,
            "dag_id": dag_id,
            "problems": [problem.to_json() for problem in problems],
        }

    def after_removal(self, path: str, dag_id: str, event: str) -> None:
        """Mark the DAG of a removed document as stale."""
        self.log_change(event, dag_id, path)
        others = self.folder.list_dag_ids().values()
        request_parsing(self.session, dag_id, others)
        mark_stale(self.session, dag_id, others)
        delete_import_error(self.session, self.folder.root, path)

    def log_change(self, event: str, dag_id: str, path: str) -> None:
        """Write into Airflow's audit log which user has changed which document."""
        self.session.add(Log(event=f"mlcraft_{event}_document", dag_id=dag_id, owner=self.access.name, extra=path))


def _document_editor(access: AccessDep, session: SessionDep) -> DocumentEditor:
    return DocumentEditor(access, session)


DocumentEditorDep = Annotated[DocumentEditor, Depends(_document_editor)]


@router.post("/documents/{path:path}/rename")
def rename(path: str, body: Move, editor: DocumentEditorDep) -> dict[str, Any]:
    """Give a document another path. Its relative references are rewritten."""
    old = editor.require(path)
    editor.require(body.to)
    text = move_references(editor.folder.read(path).text, path, body.to)
    version = editor.folder.rename(path, body.to, body.base, text)
    editor.after_removal(path, old, "rename")
    return editor.after_write(body.to, version, "save")


@router.post("/documents/{path:path}/duplicate")
def duplicate(path: str, body: Copy, editor: DocumentEditorDep) -> dict[str, Any]:
    """Make a copy under another path."""
    if not path.startswith(SHIPPED):
        editor.require(path, "GET")
    editor.require(body.to)
    text = move_references(load_text(editor.folder, path).text, path.removeprefix(SHIPPED), body.to)
    version = editor.folder.save(body.to, text, None)
    return editor.after_write(body.to, version, "duplicate")


@router.post("/documents/{path:path}/take")
def take_shipped(path: str, editor: DocumentEditorDep, body: CopyShipped | None = None) -> dict[str, Any]:
    """Copy a shipped document into the folder, with what it refers to."""
    to = (body.to if body else None) or path.removeprefix(SHIPPED)
    editor.require(to)
    version, copied_files = copy_shipped(editor.folder, path, to, editor.require)
    return {**editor.after_write(to, version, "take"), "brought": copied_files}


@router.put("/documents/{path:path}")
def save(path: str, body: Save, editor: DocumentEditorDep) -> dict[str, Any]:
    """Write a document unless its version has changed since it was read."""
    editor.require(path)
    version = editor.folder.save(path, body.text, body.base)
    return editor.after_write(path, version, "save")


@router.delete("/documents/{path:path}", status_code=204, response_model=None)
def delete(path: str, base: Annotated[str, Query()], editor: DocumentEditorDep) -> None:
    """Remove a document, and mark its DAG as stale."""
    dag_id = editor.require(path)
    editor.folder.delete(path, base)
    editor.after_removal(path, dag_id, "delete")
