"""The fields that our hints may have: what each sets, how it is read, and what a form says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import DocumentError


class HintField(NamedTuple):
    """A field of a hint."""

    argument: str
    """The argument of Airflow's that it sets."""
    convert: Callable[[Json], Any]
    title: str
    description: str
    schema: Mapping[str, Json]
    """What JSON Schema says of its value."""


def read_hint(name: str, hint: Mapping[str, Json], fields: Mapping[str, HintField], where: str) -> dict[str, Any]:
    """The fields of one of our hints as arguments; a field that is not ours is a mistake worth a sentence."""
    args = {}
    for key, value in hint.items():
        if key not in fields:
            known = f"expected one of {', '.join(sorted(fields))}" if fields else "it has none"
            raise DocumentError(f"hint mlcraft:{name} of {where} has the field {key}; {known}")
        field = fields[key]
        try:
            args[field.argument] = field.convert(value)
        except (TypeError, ValueError) as error:
            raise DocumentError(
                f"hint mlcraft:{name} of {where}: {key} is {value!r}, which cannot be: {error}"
            ) from None
    return args
