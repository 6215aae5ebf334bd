"""Large values travel through the store: an XCom is a row of Airflow's database, and is to stay small."""

from __future__ import annotations

import json

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.operators.task_files import open_store

SPILLED = "mlcraft:value"


def spilled(value: Json, limit: int | None = None) -> Json:
    """A value for an XCom: itself, or a note of where it is in the store."""
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(data) <= (settings.get_bytes("xcom_limit") if limit is None else limit):
        return value
    return {SPILLED: open_store().keep_bytes(data)}


def restored(value: Json) -> Json:
    """The inverse of `spilled`."""
    if isinstance(value, dict) and SPILLED in value:
        return json.loads(open_store().path_of(value[SPILLED]).read_bytes())
    return value
