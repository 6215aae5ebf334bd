"""Routes that list the documents, read one, and give the schema of their hints."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

from fastapi import APIRouter

from airflow_mlcraft.adapters.airflow_api import GetUserDep
from airflow_mlcraft.library.catalogue import SHIPPED, Entry, list_entries, load_text
from airflow_mlcraft.library.hint_schema import build_hint_schema
from airflow_mlcraft.plugin.web.access import AccessDep
from airflow_mlcraft.plugin.web.document_folder import documents
from airflow_mlcraft.plugin.web.run_state import timestamp_to_iso

router = APIRouter()


@router.get("/documents")
def list_documents(access: AccessDep) -> list[dict[str, Any]]:
    """The documents that the user may see."""
    access.require("GET", None)
    folder = documents()
    entries = list_entries(folder)
    ids = {entry.dag_id for entry in entries if not entry.is_shipped}
    visible_ids = access.filter_dags("GET", ids)
    editable_ids = access.filter_dags("PUT", visible_ids) if not folder.find_write_obstacle() else set()
    referring = _find_referring_documents(entries)
    return [
        {**_entry_to_json(entry, editable_ids), "used_by": sorted(referring.get(entry.path, ()))}
        for entry in entries
        if entry.is_shipped or entry.dag_id in visible_ids
    ]


@router.get("/documents/{path:path}")
def read_document(path: str, access: AccessDep) -> dict[str, Any]:
    """The text of a document, and its version, which a request that changes it has to name."""
    folder = documents()
    if path.startswith(SHIPPED):
        access.require("GET", None)
        text = load_text(folder, path)
        return {"path": path, "text": text.text, "version": text.version, "can_edit": False, "dag_id": None}
    folder.path_of(path)
    dag_id = folder.dag_id(path)
    access.require("GET", dag_id)
    text = folder.read(path)
    return {
        "path": path,
        "text": text.text,
        "version": text.version,
        "can_edit": not folder.find_write_obstacle() and access.can("PUT", dag_id),
        "dag_id": dag_id,
        "modified": timestamp_to_iso(text.modified),
    }


@router.get("/schema")
def schema(user: GetUserDep) -> dict[str, Any]:
    """The hints and their fields, from which the builder creates its forms."""
    return _schema()


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = build_hint_schema()
    return schema


def _entry_to_json(entry: Entry, editable_ids: set[str]) -> dict[str, Any]:
    return {
        **entry.to_json(),
        "dag_id": entry.dag_id or None,
        "can_edit": entry.dag_id in editable_ids,
        "modified": timestamp_to_iso(entry.modified),
        "size": entry.size,
    }


def _find_referring_documents(entries: list[Entry]) -> dict[str, set[str]]:
    """For each document, those of the folder that refer to it."""
    referring: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for target in () if entry.is_shipped else entry.refers_to:
            referring[target].add(entry.path)
    return referring
