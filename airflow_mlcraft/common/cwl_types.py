"""CWL types as text for captions and in the short form of documents, and the names at the end of CWL ids."""

from __future__ import annotations

from typing import Any


def format_type(cwl_type: Any) -> str:
    """A type in CWL's shorthand: `File[]`, `string?`, `int | string`."""
    if isinstance(cwl_type, dict):
        if cwl_type.get("type") == "array":
            inner = format_type(cwl_type.get("items", "Any"))
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        return format_type(cwl_type.get("type", "Any"))
    if isinstance(cwl_type, list):
        names = [format_type(branch) for branch in cwl_type if branch != "null"]
        mark = "?" if "null" in cwl_type and names else ""
        text = " | ".join(names) or "null"
        return f"({text}){mark}" if mark and len(names) > 1 else text + mark
    return local_name(cwl_type)


def shorten_type(cwl_type: Any) -> Any:
    """A type in CWL's shorthand if possible; records, enums and unions of several types stay JSON."""
    if not isinstance(cwl_type, dict):
        return _union(cwl_type) if isinstance(cwl_type, list) else local_name(cwl_type)
    kind = cwl_type.get("type")
    if kind == "array":
        return _array(shorten_type(cwl_type.get("items", "Any")))
    if kind == "enum":
        return {
            **_name_field(cwl_type),
            "type": "enum",
            "symbols": [local_name(symbol) for symbol in _list(cwl_type, "symbols")],
        }
    if kind == "record":
        return {**_name_field(cwl_type), "type": "record", "fields": _fields(cwl_type.get("fields"))}
    return shorten_type(kind or "Any")


def array_of(cwl_type: Any, depth: int = 1) -> Any:
    """The type of lists of this type, nested `depth` times."""
    for _ in range(depth):
        cwl_type = _array(cwl_type)
    return cwl_type


def is_optional(cwl_type: Any) -> bool:
    """Whether null is a value of the type."""
    if isinstance(cwl_type, str):
        return cwl_type == "null" or cwl_type.endswith("?")
    return isinstance(cwl_type, list) and "null" in cwl_type


def _array(items: Any) -> Any:
    if isinstance(items, str) and not items.endswith("?"):
        return f"{items}[]"
    return {"type": "array", "items": items}


def _union(branches: list[Any]) -> Any:
    types = [shorten_type(branch) for branch in branches]
    others = [branch for branch in types if branch != "null"]
    if len(others) == 1 and isinstance(others[0], str):
        only = others[0]
        return f"{only}?" if len(types) > 1 and not only.endswith("?") else only
    return types if others else "null"


def _fields(fields: Any) -> Any:
    if isinstance(fields, dict):
        fields = [
            {"name": name, **(field if isinstance(field, dict) else {"type": field})} for name, field in fields.items()
        ]
    return [
        {**field, "name": local_name(field.get("name", "")), "type": shorten_type(field.get("type", "Any"))}
        for field in fields or ()
        if isinstance(field, dict)
    ]


def _list(cwl_type: Any, key: str) -> Any:
    value = cwl_type.get(key)
    return value if isinstance(value, list) else []


def _name_field(cwl_type: Any) -> Any:
    return {"name": local_name(cwl_type["name"])} if isinstance(cwl_type.get("name"), str) else {}


def local_name(value: Any) -> str:
    """The last part of an id: `word` for `file:///a.cwl#count/word`."""
    return str(value).rsplit("#", 1)[-1].rsplit("/", 1)[-1]
