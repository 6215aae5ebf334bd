"""The inputs of a workflow as Airflow's params: a typed field of the trigger form for each.

The schema shapes the form only, and validates nothing but inputs with choices: a run's `conf` may be a CWL job object,
which the first task of the run checks by CWL's rules, with readable messages. The form picks a field as follows:
several types make a text area for JSON, or with `examples` a plain text field; a list whose items have no `type` is
entered one item a line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from airflow.sdk import Param

from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.portable import DOCUMENT_SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_mlcraft.cwl.plan import Json, Port, Workflow

Schema: TypeAlias = "dict[str, Any]"

# Airflow's server and tasks validate values against the schema, and end a run there with a list of schema errors.
# In draft 7 a `$ref` makes a validator ignore all keys beside it; the form reads these keys.
_UNVALIDATED: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$ref": "#/definitions/anything",
    "definitions": {"anything": {}},
}


def build_params(workflow: Workflow) -> dict[str, Param]:
    """One param an input, in the order of the document."""
    return {port.id: _build_param(replace(port, default=_form_default(port))) for port in workflow.inputs}


def _form_default(port: Port) -> Json:
    """The default for the form: files beside the document as paths from its folder, which inputs are relative to."""
    default = _with_relative_locations(port.default)
    branches = _non_null_branches(port.type)
    if _are_paths(branches):
        return _path_if_bare(default)
    many = (
        len(branches) == 1
        and isinstance(branches[0], dict)
        and _are_paths(_non_null_branches(branches[0].get("items")))
    )
    return [_path_if_bare(item) for item in default] if many and isinstance(default, list) else default


def _with_relative_locations(default: Json) -> Json:
    if isinstance(default, list):
        return [_with_relative_locations(item) for item in default]
    if not isinstance(default, dict):
        return default
    location = str(default.get("location", default.get("path")))
    if default.get("class") not in ("File", "Directory") or not location.startswith(DOCUMENT_SCHEME):
        return {key: _with_relative_locations(item) for key, item in default.items()}
    rest = {key: item for key, item in default.items() if key not in ("class", "location", "path")}
    return {"class": default["class"], "location": unquote(location.removeprefix(DOCUMENT_SCHEME)), **rest}


def _path_if_bare(value: Json) -> Json:
    """The path of a File or Directory that has no other fields; other values as they are."""
    return value["location"] if isinstance(value, dict) and value.keys() == {"class", "location"} else value


def _build_param(port: Port) -> Param:
    schema = {"title": port.label or port.id, **_field_schema(port), **_UNVALIDATED}
    if port.choices:
        schema["definitions"] = {"anything": _choices_schema(port)}
    default = port.default if port.has_default and _survives_serialization(port.default) else None
    return Param(default, schema=schema)


def _choices_schema(port: Port) -> Schema:
    """The schema that Airflow validates an input with choices against as a run is triggered."""
    one: Schema = {"if": {"type": "string"}, "then": {"enum": port.choices}}
    return {**one, "items": one}


def _survives_serialization(default: Json) -> bool:
    """Whether Airflow deserializes a default unchanged: in a list it decodes objects only if all items are objects.

    Without a default the form is empty, and the task uses the document's default, as for any input left out.
    """
    if not isinstance(default, list):
        return True
    return all(isinstance(item, dict) for item in default) or not any(_contains_object(item) for item in default)


def _contains_object(value: Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_contains_object(item) for item in value))


# ---- The fields of the form


_EXAMPLES = {
    "File": ["data/table.csv", "https://example.org/table.csv", "s3://bucket/table.csv"],
    "Directory": ["data/images", "s3://bucket/images"],
}


def _field_schema(port: Port) -> Schema:
    """The schema of an input, adapted to the form."""
    branches = [_with_choices(branch, port.choices) for branch in _non_null_branches(port.type)]
    schema = _schema_of(branches)
    hint = _adapt_to_form(schema, port, branches)
    if port.optional:
        schema = _nullable(schema)
    notes = "\n\n".join(note for note in (port.doc.strip(), hint) if note)
    return {**schema, "description_md": notes} if notes else schema


def _with_choices(branch: Json, choices: Json) -> Json:
    """The type of an input with choices: `string` becomes an enum, also as the items of a list."""
    if choices and branch == "string":
        return {"type": "enum", "symbols": choices}
    if choices and isinstance(branch, dict) and branch.get("type") == "array" and branch.get("items") == "string":
        return {**branch, "items": {"type": "enum", "symbols": choices}}
    return branch


def _adapt_to_form(schema: Schema, port: Port, branches: list[Json]) -> str:
    """Change a schema so that the form shows a suitable field; returns a note for the user."""
    if _are_paths(branches):
        return _adapt_path(schema, port, branches)
    if (choices := _suggested_choices(branches)) is not None:
        schema.pop("anyOf")
        schema["examples"] = choices  # suggestions for the text field
        return ""
    if len(branches) > 1 or schema == _ANY_SCHEMA:
        return "Text, or a value as JSON."
    if schema["type"] == "array":
        return _adapt_list(schema, port)
    if schema["type"] == "object":
        return "An object as JSON."
    if schema["type"] == "string" and isinstance(port.default, str) and "\n" in port.default:
        schema["format"] = "multiline"
    return ""


def _suggested_choices(branches: Sequence[Json]) -> list[str] | None:
    """The symbols of a type that is an enum or any string, such as the name of an estimator; None for other types."""
    enums = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") == "enum"]
    if not enums or len(enums) + 1 != len(branches) or "string" not in branches:
        return None
    return [local_name(symbol) for enum in enums for symbol in enum["symbols"]]


def _adapt_path(schema: Schema, port: Port, branches: Sequence[Json]) -> str:
    """A text field; for a default that is an object, a text area."""
    kinds = " or ".join(dict.fromkeys("Directory" if branch == "Directory" else "File" for branch in branches))
    if isinstance(port.default, dict):
        return f"A path or a URI, or a CWL {kinds} object as JSON."
    schema["examples"] = _EXAMPLES["Directory" if kinds == "Directory" else "File"]
    return f"A path or a URI. A run's conf may also give a CWL {kinds} object."


def _adapt_list(schema: Schema, port: Port) -> str:
    items = schema["items"]
    if _is_path(items) and not _contains_object(port.default):
        objects = {key: value for key, value in items.items() if key != "type"}
        schema["items"] = {"anyOf": [{"type": "string"}, {"type": "object", **objects}]}
        return "One path or URI a line. A run's conf may also give CWL objects."
    if items.get("type") == "string" and "enum" in items:
        schema["examples"] = items["enum"]  # makes a field with multiple choice
        return ""
    return "" if items.get("type") == "string" else "A list as JSON."


# ---- The types


_ANY_SCHEMA: Schema = {"type": ["string", "number", "boolean", "object", "array"]}
_SCALAR_SCHEMAS: dict[str, Schema] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number"},
    "double": {"type": "number"},
}
_PATH_TYPES = ("File", "Directory", "stdin")


def _schema_of(cwl_type: Json) -> Schema:
    """The JSON schema of a CWL type; any value for a type that is known by name only."""
    if isinstance(cwl_type, list):
        return _union_schema(cwl_type)
    if not isinstance(cwl_type, dict):
        return _path_schema([cwl_type]) if cwl_type in _PATH_TYPES else dict(_SCALAR_SCHEMAS.get(cwl_type, _ANY_SCHEMA))
    kind = cwl_type.get("type")
    if kind == "array":
        return {"type": "array", "items": _schema_of(cwl_type.get("items", "Any"))}
    if kind == "enum":
        return {"type": "string", "enum": [local_name(symbol) for symbol in cwl_type.get("symbols", ())]}
    if kind == "record":
        return _record_schema(cwl_type.get("fields") or [])
    return _schema_of(kind)


def _record_schema(fields: list[Json]) -> Schema:
    properties = {local_name(field["name"]): _schema_of(field["type"]) for field in fields}
    required = [name for name, schema in properties.items() if "null" not in _type_names(schema)]
    return {"type": "object", "properties": properties, "required": required}


def _union_schema(branches: list[Json]) -> Schema:
    non_null = _non_null_branches(branches)
    if _are_paths(non_null):
        schemas = [_path_schema(non_null)]
    else:
        schemas = []
        for branch in non_null:
            schema = _schema_of(branch)
            if schema not in schemas:
                schemas.append(schema)
    if not schemas:
        return dict(_SCALAR_SCHEMAS["null"])
    union = schemas[0] if len(schemas) == 1 else _any_of(schemas)
    return _nullable(union) if "null" in branches else union


def _any_of(schemas: list[Schema]) -> Schema:
    types = list(dict.fromkeys(name for schema in schemas for name in _type_names(schema)))
    return {"type": types[0] if len(types) == 1 else types, "anyOf": schemas}


def _path_schema(kinds: Sequence[Json]) -> Schema:
    """A path or URI, or a CWL object; `properties` and `required` apply to objects only."""
    classes = sorted({"Directory" if kind == "Directory" else "File" for kind in kinds})
    return {"type": ["string", "object"], "properties": {"class": {"enum": classes}}, "required": ["class"]}


def _is_path(schema: Schema) -> bool:
    return schema.get("type") == ["string", "object"] and "class" in schema.get("properties", ())


def _nullable(schema: Schema) -> Schema:
    """The schema, with null as another type."""
    if "null" in _type_names(schema):
        return schema
    wider = {**schema, "type": [*_type_names(schema), "null"]}
    if "enum" in schema:
        wider["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        wider["anyOf"] = [*schema["anyOf"], _SCALAR_SCHEMAS["null"]]
    return wider


def _non_null_branches(cwl_type: Json) -> list[Json]:
    """The alternatives of a type, without null."""
    return [branch for branch in (cwl_type if isinstance(cwl_type, list) else [cwl_type]) if branch != "null"]


def _are_paths(branches: Sequence[Json]) -> bool:
    return bool(branches) and all(isinstance(branch, str) and branch in _PATH_TYPES for branch in branches)


def _type_names(schema: Schema) -> list[str]:
    names = schema["type"]
    return names if isinstance(names, list) else [names]
