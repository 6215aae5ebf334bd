"""Types as Composer writes them: `File[]?` where possible, otherwise in full, with names for records and enums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cwltool.process import Process

from airflow_mlcraft.cwl.composer.losses import Losses
from airflow_mlcraft.cwl.composer.names import Names, is_extension, short_id
from airflow_mlcraft.cwl.nodes import in_document_order
from airflow_mlcraft.cwl.plan import Json

_SUPPORTED_FIELDS = {
    "array": {"type", "items", "inputBinding"},
    "record": {"type", "name", "fields"},
    "enum": {"type", "name", "symbols"},
}
_DESCRIPTIVE_FIELDS = ("label", "doc", "name", "streamable", "format")
"""Fields of a type that are for readers, or for validation."""
_RECORD_FIELD_FIELDS = {"name", "type", "doc", "label", "inputBinding", "outputBinding"}


class TypeWriter:
    """Writes the types of one process; types that the process refers to by name are written in full."""

    def __init__(self, process: Process, names: Names, losses: Losses):
        requirements: list[Any] = list(process.requirements)
        self._schemas = {
            str(schema["name"]): schema
            for requirement in requirements
            if requirement["class"] == "SchemaDefRequirement"
            for schema in requirement["types"]
        }
        self._names = names
        self._losses = losses
        self._used_names: set[str] = set()

    def port_type(self, port: str, node: Any) -> Json:
        """The type of a port."""
        kind = self._full_type(port, node, ())
        if isinstance(kind, list) and len(kind) == len(("null", "other")) and "null" in kind:
            other = _short_array(next((each for each in kind if each != "null"), "null"))
            return f"{other}?" if isinstance(other, str) else ["null", other]
        return _short_array(kind)

    def _full_type(self, port: str, node: Any, around: tuple[str, ...]) -> Json:
        if isinstance(node, list):
            return _union_type([self._full_type(port, each, around) for each in node])
        if isinstance(node, Mapping):
            return self._complex_type(port, node, around)
        if node in self._schemas:
            if node in around:
                self._losses.add(
                    f"the type {short_id(node)} contains itself, which Composer cannot write", self._schemas[node]
                )
                return "Any"
            return self._full_type(port, self._schemas[node], (*around, node))
        return str(node)

    def _complex_type(self, port: str, node: Mapping[str, Any], around: tuple[str, ...]) -> Json:
        kind = str(node["type"])
        if kind not in _SUPPORTED_FIELDS:
            return self._full_type(port, node["type"], around)
        for field in sorted(set(node) - _SUPPORTED_FIELDS[kind]):
            if node[field]:
                self._losses.add(
                    f"the {kind} type of {port} has a field {field}, which Composer loses",
                    node,
                    field,
                    harmless=field in _DESCRIPTIVE_FIELDS or is_extension(field),
                )
        if kind == "array":
            return self._array_type(port, node, around)
        name = self._unique_name(short_id(str(node.get("name") or port)) or port)
        if kind == "enum":
            return {"type": "enum", "name": name, "symbols": [short_id(str(symbol)) for symbol in node["symbols"]]}
        fields = [self._record_field(each, around) for each in in_document_order(node.get("fields") or (), "name")]
        return {"type": "record", "name": name, "fields": fields}

    def _array_type(self, port: str, node: Mapping[str, Any], around: tuple[str, ...]) -> Json:
        items = self._full_type(port, node["items"], around)
        result = {"type": "array", "items": items}
        if node.get("inputBinding"):
            if isinstance(items, dict) and items["type"] in ("record", "enum"):
                self._losses.add(
                    f"the items of {port} have an inputBinding, which Composer loses", node, "inputBinding"
                )
            result["inputBinding"] = self._names.value(node["inputBinding"])
        return result

    def _record_field(self, field: Mapping[str, Any], around: tuple[str, ...]) -> Json:
        name = short_id(str(field["name"]))
        result: dict[str, Json] = {"name": name, "type": self._full_type(name, field["type"], around)}
        for key, item in field.items():
            if key not in _RECORD_FIELD_FIELDS and not is_extension(key):
                self._losses.add(
                    f"the field {name} of a record has {key}, which CWL v1.0 does not know",
                    field,
                    key,
                    harmless=key in _DESCRIPTIVE_FIELDS,
                )
            elif key not in ("name", "type"):
                result[self._names.key(key)] = (
                    _join_lines(self._names.value(item)) if key == "doc" else self._names.value(item)
                )
        return result

    def _unique_name(self, preferred: str) -> str:
        number, name = 1, preferred
        while name in self._used_names:
            number += 1
            name = f"{preferred}_{number}"
        self._used_names.add(name)
        return name


def is_union(kind: Json) -> bool:
    """Whether a type is a union, other than with null, or of a type and a list of it."""
    if not isinstance(kind, list):
        return isinstance(kind, dict) and any(is_union(field["type"]) for field in kind.get("fields", ()))
    kinds = [each for each in kind if each != "null"]
    if len(kinds) == len(("one", "list")):
        return not any(_is_list_of(one, other) for one, other in (kinds, reversed(kinds)))
    return len(kinds) > 1 or any(is_union(each) for each in kinds)


def _is_list_of(one: Json, other: Json) -> bool:
    return isinstance(one, dict) and one["type"] == "array" and one["items"] == other


def _union_type(kinds: list[Json]) -> Json:
    """The union in Composer's order: null, a type, a list of it; or any other types with null last."""
    if len(kinds) == 1:
        return kinds[0]
    others = [kind for kind in kinds if kind != "null"]
    null = ["null"] * (len(kinds) - len(others))
    if is_union(kinds):
        return [*others, *null]
    return [*null, *(reversed(others) if _is_list_of(others[0], others[-1]) else others)]


def _short_array(kind: Json) -> Json:
    if (
        isinstance(kind, dict)
        and kind["type"] == "array"
        and isinstance(kind["items"], str)
        and len(kind) == len(("type", "items"))
    ):
        return f"{kind['items']}[]"
    return kind


def _join_lines(text: Json) -> Json:
    return "\n".join(map(str, text)) if isinstance(text, list) else text
