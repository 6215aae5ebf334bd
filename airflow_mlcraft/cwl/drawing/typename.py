"""CWL types in the few characters that a caption has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json


def type_name(cwl_type: Json) -> str:
    """A type as CWL's shorthand writes it: `File[]`, `string?`, `int | string`."""
    if isinstance(cwl_type, dict):
        if cwl_type.get("type") == "array":
            inner = type_name(cwl_type.get("items", "Any"))
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        return type_name(cwl_type.get("type", "Any"))
    if isinstance(cwl_type, list):
        names = [type_name(branch) for branch in cwl_type if branch != "null"]
        mark = "?" if "null" in cwl_type and names else ""
        text = " | ".join(names) or "null"
        return f"({text}){mark}" if mark and len(names) > 1 else text + mark
    return str(cwl_type).rsplit("#", 1)[-1].rsplit("/", 1)[-1]
