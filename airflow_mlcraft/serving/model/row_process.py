"""The user's `process` function in front of a model's fast functions: source rows in, a table of features out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from airflow_mlcraft.serving.model.signature import DATETIME, Column, Signature
from airflow_mlcraft.serving.model.tables import Table, build_object_matrix, table_to_frame

_MLFLOW_TYPES = {"number": "double", "boolean": "boolean", "date": "datetime"}


def has_user_process(model: Any) -> bool:
    """Whether a user's `process` runs before this model."""
    return type(model).__name__ == "ProcessedModel" and type(model).__module__ == "airflow_mlcraft.ml.row_process"


def build_user_process(model: Any, signature: Signature) -> tuple[Callable[[Table], Table], Signature]:
    """A function from tables of source rows to tables of features, and the signature of the features."""
    typed_columns = model.model[0]
    convert, formats = typed_columns.transform, getattr(typed_columns, "formats", None) or {}
    columns = [
        Column(name, _MLFLOW_TYPES.get(kind, "string"), nullable=True) for name, kind in typed_columns.kinds.items()
    ]
    features = Signature(tuple(columns))

    def run(table: Table) -> Table:
        frame = convert(model.features(table_to_frame(table, signature)))
        numbers = [frame[column.name].to_numpy("float64", na_value=np.nan) for column in features.numeric]
        texts = [_to_texts(frame[column.name], column.kind, formats.get(column.name)) for column in features.textual]
        matrix = np.column_stack(numbers) if numbers else np.empty((len(table), 0))
        return Table(matrix, build_object_matrix(texts, len(table)))

    return run, features


def _to_texts(values: Any, kind: str, date_format: str | None) -> list[str | None]:
    if kind == DATETIME:
        values = [None if value != value else value for value in values]  # noqa: PLR0124 - missing
        return [
            None if one is None else one.strftime(date_format) if date_format else one.isoformat() for one in values
        ]
    return [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
