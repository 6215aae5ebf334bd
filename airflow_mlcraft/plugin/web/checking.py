"""Routes that check a document's text, show a tool's command line, or convert to Composer's form, without saving."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from airflow_mlcraft.library.folder import MAX_SIZE
from airflow_mlcraft.library.problems import find_problems
from airflow_mlcraft.plugin.web.access import AccessDep, require_same_origin
from airflow_mlcraft.plugin.web.document_folder import document_access, documents, sandbox

router = APIRouter(dependencies=[Depends(require_same_origin)])


class Draft(BaseModel):
    """A document's text that is not saved, with its path."""

    path: str
    text: str = Field(max_length=MAX_SIZE)


class ToolDraft(Draft):
    """A tool, and values for some of its inputs."""

    values: dict[str, Any] = {}


@router.post("/check")
def check_text(body: Draft, access: AccessDep) -> dict[str, Any]:
    """The problems that the loader, the compiler and Airflow find in a text."""
    folder = documents()
    path = folder.path_of(body.path)
    dag_id = folder.dag_id(body.path)
    access.require("PUT", dag_id)
    problems = find_problems(sandbox, path, body.text, dag_id, document_access(folder))
    errors = [problem for problem in problems if problem.severity == "error"]
    return {"problems": [problem.to_json() for problem in problems], "graph_ok": not errors}


@router.post("/command")
def command(body: ToolDraft, access: AccessDep) -> dict[str, Any]:
    """The command line of a tool as cwltool would start it."""
    folder = documents()
    path = folder.path_of(body.path)
    access.require("PUT", folder.dag_id(body.path))
    command_line: dict[str, Any] = sandbox.build_command_line(path, body.text, body.values, document_access(folder))
    return command_line


@router.post("/composer-form")
def composer_form(body: Draft, access: AccessDep) -> dict[str, Any]:
    """The files of a text in Rabix Composer's form, the document first; or what that form cannot express."""
    folder = documents()
    path = folder.path_of(body.path)
    access.require("PUT", folder.dag_id(body.path))
    form: dict[str, Any] = sandbox.to_composer_form(path, body.text, document_access(folder))
    return form
