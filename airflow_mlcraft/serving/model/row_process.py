"""The user's `process` before the short cuts of the server: its frame becomes a table of features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.signature import Column, Signature
from airflow_mlcraft.serving.model.tables import Table, frame_of, object_matrix

_TYPES = {"number": "double", "boolean": "boolean", "date": "datetime"}


def is_processed(model: Any) -> bool:
    """Whether a user's `process` runs before this model."""
    return type(model).__name__ == "ProcessedModel" and type(model).__module__ == "airflow_mlcraft.ml.row_process"


def processing(model: Any, signature: Signature) -> tuple[Callable[[Table], Table], Signature]:
    """Rows as the source has them to rows of features, and what these are."""
    first = model.model[0]
    typed, formats = first.transform, getattr(first, "formats", None) or {}
    columns = [Column(name, _TYPES.get(kind, "string"), nullable=True) for name, kind in model.model[0].kinds.items()]
    features = Signature(tuple(columns))

    def run(table: Table) -> Table:
        frame = typed(model.features(frame_of(table, signature)))
        numbers = [frame[column.name].to_numpy("float64", na_value=np.nan) for column in features.numeric]
        texts = [_texts(frame[column.name], column.kind, formats.get(column.name)) for column in features.textual]
        matrix = np.column_stack(numbers) if numbers else np.empty((len(table), 0))
        return Table(matrix, object_matrix(texts, len(table)))

    return run, features


def _texts(values: Any, kind: str, form: str | None) -> list[str | None]:
    if kind == "time":
        written = [None if value != value else value for value in values]  # noqa: PLR0124 - missing
        return [None if one is None else one.strftime(form) if form else one.isoformat() for one in written]
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
