"""The MLflow signature of a model: names and types of its input columns, and where a table keeps each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow_mlcraft.serving.http.errors import ServingError

NUMBER, INTEGER, BOOLEAN, TEXT, DATETIME = "number", "integer", "boolean", "text", "datetime"
_KINDS = {
    "double": NUMBER,
    "float": NUMBER,
    "long": INTEGER,
    "integer": INTEGER,
    "boolean": BOOLEAN,
    "string": TEXT,
    "datetime": DATETIME,
}
INTEGER_LIMITS = {"integer": 2**31, "long": 2**63}
"""Values of a type are from -limit to limit - 1."""


@dataclass(frozen=True)
class Column:
    """An input column. `required`: it may not be left out; `nullable`: the model takes missing values in it."""

    name: str
    type: str
    required: bool = True
    nullable: bool = False

    @cached_property
    def kind(self) -> str:
        return _KINDS[self.type]

    @cached_property
    def numeric(self) -> bool:
        """Whether tables keep it among their numbers, as 64-bit floats; the others are texts."""
        return self.kind in (NUMBER, INTEGER, BOOLEAN)


@dataclass(frozen=True)
class Signature:
    """The input columns in the model's order, and the outputs as the MLmodel file describes them."""

    columns: tuple[Column, ...]
    outputs: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def numeric(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.numeric)

    @cached_property
    def textual(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.numeric)

    @cached_property
    def positions(self) -> dict[str, tuple[bool, int]]:
        """For each column, whether it is among a table's numbers (or else its texts), and its index there."""
        numbers = {column.name: (True, index) for index, column in enumerate(self.numeric)}
        return numbers | {column.name: (False, index) for index, column in enumerate(self.textual)}


def parse_signature(mlmodel: Mapping[str, Any], path: str) -> Signature:
    """The signature in the content of an MLmodel file; `path` is for errors."""
    signature = mlmodel.get("signature")
    if not isinstance(signature, Mapping) or not signature.get("inputs"):
        raise ServingError(
            f"{path} has no signature: the server would not know what to ask for. Log the model with one"
        )
    columns = []
    for number, entry in enumerate(json.loads(signature["inputs"])):
        if entry.get("type") not in _KINDS or "name" not in entry:
            raise ServingError(
                f"{path} asks for {json.dumps(entry)} as its input {number + 1}; "
                f"expected columns with a name and one of the types {', '.join(_KINDS)}"
            )
        columns.append(Column(entry["name"], entry["type"], bool(entry.get("required", True))))
    return Signature(tuple(columns), tuple(json.loads(signature.get("outputs") or "[]")))
