"""Conversion of parts of a loaded document to plain Python values, and to the order in the document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruamel.yaml.scalarfloat import ScalarFloat

from airflow_mlcraft.adapters.ruamel_yaml import has_exponent


def to_builtin(node: Any) -> Any:
    """A part of a loaded document as plain dictionaries, lists and numbers."""
    if isinstance(node, Mapping):
        return {key: to_builtin(item) for key, item in node.items()}
    if isinstance(node, list):
        return [to_builtin(item) for item in node]
    if isinstance(node, ScalarFloat):
        # JSON would write 123000.0 for 1.23e5, but a command line needs 123000.
        return int(node) if has_exponent(node) and node.is_integer() else float(node)
    return node


def to_list(value: Any) -> list[Any]:
    """The values of a field that takes one value or a list of them; none for null."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def in_document_order(items: Any, key: str = "id") -> list[Any]:
    """Parts of a document in the document's order: schema-salad sorts maps by name."""
    try:
        return sorted(items, key=lambda item: item.lc.data[key][:2])
    except (AttributeError, KeyError, TypeError):
        # Parts that cwltool has added have no position in the document.
        return list(items)
