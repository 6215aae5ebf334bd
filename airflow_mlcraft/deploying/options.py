"""What mlcraft.toml says about a target, checked: its table below [targets]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from airflow_mlcraft.deploying.errors import DeployingError

Options = TypeVar("Options")
_KINDS: dict[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "a truth"),
}


def read(kind: type[Options], table: Mapping[str, Any], place: str) -> Options:
    """The table as this dataclass; a name or a value that it does not know is told with its place."""
    known = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    for name, value in table.items():
        if name not in known:
            raise DeployingError(f"{place} has {name!r}, which is unknown; expected {', '.join(known)}")
        expected, words = _KINDS[known[name]]
        if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
            raise DeployingError(f"{place}.{name} is {value!r}; expected {words}")
    return kind(**table)


def slug(name: str) -> str:
    """A name as registries and AWS take it: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
