"""The options of a target in mlcraft.toml: validation of its table below [targets]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from airflow_mlcraft.deploying.errors import DeployingError

Options = TypeVar("Options")
_VALUE_TYPES: dict[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "a truth"),
}


def parse_options(options_class: type[Options], table: Mapping[str, Any], place: str) -> Options:
    """The table as an instance of this dataclass; raises DeployingError for an unknown name or a wrong type."""
    known = {field.name: str(field.type) for field in fields(options_class)}  # type: ignore[arg-type]
    for name, value in table.items():
        if name not in known:
            raise DeployingError(f"{place} has {name!r}, which is unknown; expected {', '.join(known)}")
        expected, description = _VALUE_TYPES[known[name]]
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise DeployingError(f"{place}.{name} is {value!r}; expected {description}")
    return options_class(**table)


def to_slug(name: str) -> str:
    """The name in the letters that registries and AWS take: lower case, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
