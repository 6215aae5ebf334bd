"""Tables as the records that a client would send."""

from __future__ import annotations

import math
from typing import Any

from airflow_mlcraft.serving.signature import TRUTH, WHOLE, Signature
from airflow_mlcraft.serving.table import Table


def records_of(table: Table, signature: Signature) -> list[dict[str, Any]]:
    """One object a row; null where a value is missing."""
    columns = {}
    for column in signature.columns:
        numeric, index = signature.place[column.name]
        values = (table.numbers if numeric else table.texts)[:, index].tolist()
        columns[column.name] = [_as_sent(value, column.kind) for value in values] if numeric else values
    return [{name: values[row] for name, values in columns.items()} for row in range(len(table))]


def _as_sent(value: float, kind: str) -> Any:
    if math.isnan(value):
        return None
    if kind == TRUTH:
        return bool(value)
    return int(value) if kind == WHOLE else value
