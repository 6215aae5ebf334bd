"""CWL types in the form that pages show: CWL's own short form where there is one, otherwise JSON without full names."""

from __future__ import annotations

from airflow_mlcraft.cwl.plan import Json


def short_type(cwl_type: Json) -> Json:
    """`File[]?` and the like; records, enums and unions of several types stay JSON."""
    if not isinstance(cwl_type, dict):
        return _union(cwl_type) if isinstance(cwl_type, list) else _name(cwl_type)
    kind = cwl_type.get("type")
    if kind == "array":
        return _array(short_type(cwl_type.get("items", "Any")))
    if kind == "enum":
        return {**_named(cwl_type), "type": "enum", "symbols": [_name(symbol) for symbol in _list(cwl_type, "symbols")]}
    if kind == "record":
        return {**_named(cwl_type), "type": "record", "fields": _fields(cwl_type.get("fields"))}
    return short_type(kind or "Any")


def array_of(cwl_type: Json, depth: int = 1) -> Json:
    """The type of a list of such values."""
    for _ in range(depth):
        cwl_type = _array(cwl_type)
    return cwl_type


def is_optional(cwl_type: Json) -> bool:
    """Whether null is a value of the type."""
    if isinstance(cwl_type, str):
        return cwl_type == "null" or cwl_type.endswith("?")
    return isinstance(cwl_type, list) and "null" in cwl_type


def _array(items: Json) -> Json:
    if isinstance(items, str) and not items.endswith("?"):
        return f"{items}[]"
    return {"type": "array", "items": items}


def _union(branches: list[Json]) -> Json:
    types = [short_type(branch) for branch in branches]
    others = [branch for branch in types if branch != "null"]
    if len(others) == 1 and isinstance(others[0], str):
        only = others[0]
        return f"{only}?" if len(types) > 1 and not only.endswith("?") else only
    return types if others else "null"


def _fields(fields: Json) -> Json:
    if isinstance(fields, dict):
        fields = [
            {"name": name, **(field if isinstance(field, dict) else {"type": field})} for name, field in fields.items()
        ]
    return [
        {**field, "name": _name(field.get("name", "")), "type": short_type(field.get("type", "Any"))}
        for field in fields or ()
        if isinstance(field, dict)
    ]


def _list(cwl_type: Json, key: str) -> Json:
    value = cwl_type.get(key)
    return value if isinstance(value, list) else []


def _named(cwl_type: Json) -> Json:
    return {"name": _name(cwl_type["name"])} if isinstance(cwl_type.get("name"), str) else {}


def _name(value: Json) -> str:
    return str(value).rsplit("#", 1)[-1].rsplit("/", 1)[-1]
