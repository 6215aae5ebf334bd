"""Routes that list the documents, and read one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import APIRouter

from airflow_mlcraft.library.catalogue import SHIPPED, Entry, list_entries, load_text
from airflow_mlcraft.plugin.web.access import AccessDep
from airflow_mlcraft.plugin.web.document_folder import documents
from airflow_mlcraft.plugin.web.run_state import iso

router = APIRouter()


@router.get("/documents")
def list_documents(access: AccessDep) -> list[dict[str, Any]]:
    """The documents that the user may see."""
    access.require("GET", None)
    folder = documents()
    entries = list_entries(folder)
    ids = {entry.dag_id for entry in entries if not entry.is_shipped}
    seen = access.of("GET", ids)
    edited = access.of("PUT", seen) if not folder.why_not_writable() else set()
    users = _find_users(entries)
    return [
        {**_entry_to_json(entry, edited), "used_by": sorted(users.get(entry.path, ()))}
        for entry in entries
        if entry.is_shipped or entry.dag_id in seen
    ]


@router.get("/documents/{path:path}")
def read_document(path: str, access: AccessDep) -> dict[str, Any]:
    """The text of a document, and its version, which a change has to name."""
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
        "can_edit": not folder.why_not_writable() and access.may("PUT", dag_id),
        "dag_id": dag_id,
        "modified": iso(text.modified),
    }


def _entry_to_json(entry: Entry, edited: set[str]) -> dict[str, Any]:
    return {
        **entry.to_json(),
        "dag_id": entry.dag_id or None,
        "can_edit": entry.dag_id in edited,
        "modified": iso(entry.modified),
        "size": entry.size,
    }


def _find_users(entries: list[Entry]) -> dict[str, set[str]]:
    """For each document, those of the folder that refer to it."""
    users: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for target in () if entry.is_shipped else entry.refers_to:
            users[target].add(entry.path)
    return users
