"""What a model reads: its columns, as the signature in an MLmodel file names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow_mlcraft.serving.http.errors import ServingError

NUMBER, WHOLE, TRUTH, TEXT, TIME = "number", "whole", "truth", "text", "time"
_KINDS = {
    "double": NUMBER,
    "float": NUMBER,
    "long": WHOLE,
    "integer": WHOLE,
    "boolean": TRUTH,
    "string": TEXT,
    "datetime": TIME,
}


@dataclass(frozen=True)
class Column:
    """One column. `nullable` is what the pipeline takes, `required` whether the column may be left out."""

    name: str
    type: str
    required: bool = True
    nullable: bool = False

    @cached_property
    def kind(self) -> str:
        return _KINDS[self.type]

    @cached_property
    def numeric(self) -> bool:
        """Whether it travels as a 64-bit float; the others travel as objects."""
        return self.kind in (NUMBER, WHOLE, TRUTH)


@dataclass(frozen=True)
class Signature:
    """The columns in the model's order, and what MLflow says about the output."""

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
    def place(self) -> dict[str, tuple[bool, int]]:
        """Where a column's values are in a table: among the numbers or the texts, and which one there."""
        numbers = {column.name: (True, index) for index, column in enumerate(self.numeric)}
        return numbers | {column.name: (False, index) for index, column in enumerate(self.textual)}


def read_signature(described: Mapping[str, Any], where: str) -> Signature:
    """The signature of an MLmodel file."""
    found = described.get("signature")
    if not isinstance(found, Mapping) or not found.get("inputs"):
        raise ServingError(
            f"{where} has no signature: the server would not know what to ask for. Log the model with one"
        )
    columns = []
    for number, entry in enumerate(json.loads(found["inputs"])):
        if entry.get("type") not in _KINDS or "name" not in entry:
            raise ServingError(
                f"{where} asks for {json.dumps(entry)} as its input {number + 1}; "
                f"expected columns with a name and one of the types {', '.join(_KINDS)}"
            )
        columns.append(Column(entry["name"], entry["type"], bool(entry.get("required", True))))
    return Signature(tuple(columns), tuple(json.loads(found.get("outputs") or "[]")))
