"""The fields that our hints may have: what each sets, how it is read, and what a form says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import DocumentError

_LONGEST_SHOWN = 200
"""Characters of a wrong value that an error repeats."""


class HintField(NamedTuple):
    """A field of a hint."""

    argument: str
    """The argument of Airflow's that it sets."""
    convert: Callable[[Json], Any]
    title: str
    description: str
    schema: Mapping[str, Json]
    """What JSON Schema says of its value."""


class FieldError(DocumentError):
    """A field of a document that cannot be used."""

    def __init__(self, message: str, field: str, value: Json = None):
        self.field = field
        self.value = value
        super().__init__(message)


def to_integer(value: Json) -> int:
    """A whole number; a text that says one is taken as well."""
    if isinstance(value, bool) or not float(value).is_integer():
        raise ValueError("expected a whole number")
    return int(value)


def to_flag(value: Json) -> bool:
    """True or false: any other text would count as true."""
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def to_text(value: Json) -> str:
    """A text; of a number, as it is written."""
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError("expected a text")
    return str(value)


def read_hint(name: str, hint: Mapping[str, Json], fields: Mapping[str, HintField], where: str) -> dict[str, Any]:
    """The fields of one of our hints as arguments; a field that is not ours is a mistake worth a sentence."""
    args = {}
    for key, value in hint.items():
        if key not in fields:
            known = f"expected one of {', '.join(sorted(fields))}" if fields else "it has none"
            raise FieldError(f"hint mlcraft:{name} of {where} has the field {key}; {known}", key, value)
        field = fields[key]
        try:
            args[field.argument] = _checked(field, field.convert(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise FieldError(
                f"hint mlcraft:{name} of {where}: {key} is {_shown(value)}, which cannot be: {error}", key, value
            ) from None
    return args


def _checked(field: HintField, value: Any) -> Any:
    minimum = field.schema.get("minimum")
    if minimum is not None and isinstance(value, int) and value < minimum:
        raise ValueError(f"expected {minimum} or more")
    return value


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
