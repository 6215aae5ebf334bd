"""Large XCom values in the store: an XCom is a row of Airflow's database, and has to stay small."""

from __future__ import annotations

import json

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.operators.task_files import open_store

STORE_REFERENCE = "mlcraft:value"
"""The key of a reference: its value is the hash of the object with the JSON."""


def to_xcom(value: Json, limit: int | None = None) -> Json:
    """A value for an XCom: itself, or where it is larger than `limit` bytes, a reference to an object of the store."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(data) <= (settings.get_bytes("xcom_limit") if limit is None else limit):
        return value
    return {STORE_REFERENCE: open_store().add_bytes(data)}


def from_xcom(value: Json) -> Json:
    """The inverse of `to_xcom`."""
    if isinstance(value, dict) and STORE_REFERENCE in value:
        return json.loads(open_store().path_of(value[STORE_REFERENCE]).read_bytes())
    return value
