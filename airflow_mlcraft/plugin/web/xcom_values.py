"""The XCom values of a run, read from Airflow's database and shortened for a page."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from airflow_mlcraft.adapters.airflow_core import XComModel
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.store.values import STORE

_MAX_ITEMS = 100
_MAX_TEXT = 2000
_MAX_DEPTH = 20


class XComPuller:
    """Has `xcom_pull` like a task instance, outside of a task: reads what the tasks of a run have pushed."""

    def __init__(self, session: Session, dag_id: str, run_id: str, map_index: int | None):
        self.map_index = map_index
        self._session = session
        self._dag_id = dag_id
        self._run_id = run_id

    def xcom_pull(self, task_ids: str, *, key: str = "return_value", map_indexes: Any = None) -> Any:
        """The value of one task instance; without `map_indexes`, a list of those of all mapped instances."""
        query: Any = XComModel.get_many(
            run_id=self._run_id, key=key, task_ids=task_ids, dag_ids=self._dag_id, map_indexes=map_indexes
        )
        rows = self._session.scalars(query.order_by(None).order_by(XComModel.map_index)).all()
        values = [_from_airflow(XComModel.deserialize_value(row)) for row in rows]
        if map_indexes is None and not (len(rows) == 1 and rows[0].map_index < 0):
            return values
        return values[0] if values else None


def _from_airflow(value: Any) -> Json:
    """The value without the class names that Airflow writes for tuples; no other class occurs in our values."""
    if isinstance(value, dict):
        if value.get("__classname__") == "builtins.tuple":
            return _from_airflow(value["__data__"])
        return {key: _from_airflow(item) for key, item in value.items()}
    return [_from_airflow(item) for item in value] if isinstance(value, (list, tuple)) else value


def to_shown_value(value: Json, depth: int = 0) -> Json:
    """A value as the page shows it: files by name, size and hash; long texts, lists and depths cut."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_TEXT else f"{value[:_MAX_TEXT]}… ({len(value):,} characters)"
    if isinstance(value, list):
        more = [f"… {len(value) - _MAX_ITEMS:,} more"] if len(value) > _MAX_ITEMS else []
        return [to_shown_value(item, depth + 1) for item in value[:_MAX_ITEMS]] + more
    if not isinstance(value, dict):
        return value
    if depth > _MAX_DEPTH:
        return "…"
    if value.get("class") in ("File", "Directory"):
        value = _to_shown_file(value)
    return {key: to_shown_value(item, depth + 1) for key, item in value.items()}


def _to_shown_file(value: dict[str, Json]) -> dict[str, Json]:
    location = str(value.get("location", ""))
    shown = {key: item for key, item in value.items() if key not in ("path", "dirname", "nameroot", "nameext")}
    if location.startswith(STORE):
        # The name of an object in the store is its hash.
        shown.setdefault("checksum", f"md5${location.removeprefix(STORE)}")
    return shown
