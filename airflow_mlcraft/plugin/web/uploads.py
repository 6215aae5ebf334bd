"""The route that uploads a file into the store, as an input of a run."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_api import DagAccessEntity, requires_access_dag
from airflow_mlcraft.common.safe_names import name_fault
from airflow_mlcraft.operators.task_files import open_store
from airflow_mlcraft.plugin.web.access import require_same_origin
from airflow_mlcraft.store.values import STORE

_FORM_OVERHEAD = 10_000
"""Bytes of a form besides its file."""
router = APIRouter(dependencies=[Depends(require_same_origin)])


@router.post(
    "/dags/{dag_id}/files",
    dependencies=[Depends(requires_access_dag("POST", DagAccessEntity.RUN))],
)
async def upload(dag_id: str, request: Request, name: Annotated[str, Query()] = "") -> dict[str, Any]:
    """The CWL File object of the upload: the request's body, with `name`, or the one file of a form."""
    limit = settings.get_bytes("upload_limit")
    declared = request.headers.get("content-length", "")
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    if form and not declared.isdigit():
        raise HTTPException(411, "A form needs a Content-Length header")
    if declared.isdigit() and int(declared) > limit + _FORM_OVERHEAD:
        raise _too_large(limit)
    store = await run_in_threadpool(open_store)
    with tempfile.TemporaryDirectory(prefix="mlcraft-upload-") as folder:
        path = Path(folder, "file")
        if form:
            name = await _save_form_file(request, path, name, limit)
        else:
            await _save_body(request, path, limit)
        size = path.stat().st_size
        oid = await run_in_threadpool(store.add_file, path)
    return {
        "class": "File",
        "basename": _basename(name),
        "size": size,
        "location": f"{STORE}{oid}",
        "checksum": f"md5${oid}",
    }


async def _save_body(request: Request, path: Path, limit: int) -> None:
    size = 0
    with path.open("wb") as file:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            await run_in_threadpool(file.write, part)


async def _save_form_file(request: Request, path: Path, name: str, limit: int) -> str:
    # Starlette spools a form's files to the disk, but counts no bytes.
    async with request.form(max_files=1, max_fields=4) as form:
        sent = next((part for part in form.values() if isinstance(part, UploadFile)), None)
        if sent is None:
            raise HTTPException(422, "The form has no file")
        if (sent.size or 0) > limit:
            raise _too_large(limit)
        with path.open("wb") as file:
            while part := await sent.read(1 << 20):
                await run_in_threadpool(file.write, part)
        return name or sent.filename or ""


def _basename(name: str) -> str:
    base = posixpath.basename(name.replace("\\", "/"))
    if fault := name_fault(base) or ("" if base.isprintable() else "a name has printable characters only"):
        raise HTTPException(
            422, f"A file needs a name, and {name[:80]!r} is none: {fault}; give one as ?name=table.csv"
        )
    return base


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        413,
        f"The file is larger than {limit:,} bytes, the most that [mlcraft] upload_limit allows; give its path or a URI",
    )
