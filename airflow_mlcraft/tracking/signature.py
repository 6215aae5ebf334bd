"""The MLflow signature of a model, from a data frame and the predictions for it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from airflow_mlcraft.errors import MlcraftError

_FOUR_BYTES = 4


def infer_signature(frame: Any, predictions: Any, optional: Collection[str] = ()) -> dict[str, Any]:
    """Return the signature of inputs and outputs. Columns that are `optional` or have gaps are not required."""
    columns = [_column(str(name), frame[name]) for name in frame.columns]
    for column in columns:
        column["required"] = column["required"] and column["name"] not in optional
    return {"inputs": json.dumps(columns), "outputs": json.dumps([_tensor(predictions)]), "params": None}


def _column(name: str, values: Any) -> dict[str, Any]:
    return {"type": _type(name, values), "name": name, "required": not bool(values.isna().any())}


def _type(name: str, values: Any) -> str:
    dtype = values.dtype
    kind = getattr(dtype, "kind", "O")
    size = getattr(dtype, "itemsize", 8)
    found = {
        "b": "boolean",
        "f": "float" if size <= _FOUR_BYTES else "double",
        "i": "integer" if size <= _FOUR_BYTES else "long",
        "u": "integer" if size < _FOUR_BYTES else "long",
        "M": "datetime",
    }.get(kind)
    if found:
        return found
    present = values.dropna()
    if len(present) and all(isinstance(value, bool) for value in present):
        return "boolean"
    if all(isinstance(value, str) for value in present):
        return "string"
    raise MlcraftError(
        f"the column {name!r} has values of type {dtype}, which a model's signature has no word for; "
        "expected numbers, booleans, times or text"
    )


def _tensor(predictions: Any) -> dict[str, Any]:
    shape = [-1, *list(getattr(predictions, "shape", (0,)))[1:]]
    dtype = getattr(predictions, "dtype", None)
    name = "str" if getattr(dtype, "kind", "O") in "OUST" else str(dtype)
    return {"type": "tensor", "tensor-spec": {"dtype": name, "shape": shape}}
