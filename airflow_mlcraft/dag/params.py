"""The inputs of a workflow as Airflow's trigger form: a typed field for each.

The schema shapes the form and nothing else, but for inputs that list their choices: a run's `conf` may be a CWL job
object, and the first task of the run checks it as CWL does, and says what is wrong in a sentence. How the form picks a
field was read in Airflow's UI: several types at once make a text area that understands JSON, or, where there are
`examples`, a plain text field; a list whose items have no `type` is written one a line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from airflow.sdk import Param

from airflow_mlcraft.cwl.portable import SCHEME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_mlcraft.cwl.plan import Json, Port, Workflow

Schema: TypeAlias = "dict[str, Any]"

# Airflow's server and tasks validate values against the schema, and end a run there with a stack of schema errors.
# In draft 7 a `$ref` makes a validator pass over all that stands beside it; the form reads just that.
_UNCHECKED: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$ref": "#/definitions/anything",
    "definitions": {"anything": {}},
}


def params_of(workflow: Workflow) -> dict[str, Param]:
    """One param an input, in the order of the document."""
    return {port.id: _param(replace(port, default=_default(port))) for port in workflow.inputs}


def _default(port: Port) -> Json:
    """Files that a document brings along as paths from the document's folder, which runs' inputs start from."""
    shown = _relative(port.default)
    branches = _branches(port.type)
    if _paths(branches):
        return _path_alone(shown)
    many = len(branches) == 1 and isinstance(branches[0], dict) and _paths(_branches(branches[0].get("items")))
    return [_path_alone(item) for item in shown] if many and isinstance(shown, list) else shown


def _relative(default: Json) -> Json:
    if isinstance(default, list):
        return [_relative(item) for item in default]
    if not isinstance(default, dict):
        return default
    location = str(default.get("location", default.get("path")))
    if default.get("class") not in ("File", "Directory") or not location.startswith(SCHEME):
        return {key: _relative(item) for key, item in default.items()}
    rest = {key: item for key, item in default.items() if key not in ("class", "location", "path")}
    return {"class": default["class"], "location": unquote(location.removeprefix(SCHEME)), **rest}


def _path_alone(value: Json) -> Json:
    """A File or Directory of which there is no more to say than its path."""
    return value["location"] if isinstance(value, dict) and value.keys() == {"class", "location"} else value


def _param(port: Port) -> Param:
    schema = {"title": port.label or port.id, **_field(port), **_UNCHECKED}
    if port.choices:
        schema["definitions"] = {"anything": _checked_choices(port)}
    default = port.default if port.has_default and _survives(port.default) else None
    return Param(default, schema=schema)


def _checked_choices(port: Port) -> Schema:
    """What Airflow checks of an input with choices as a run is triggered, before there is a run."""
    one: Schema = {"if": {"type": "string"}, "then": {"enum": port.choices}}
    return {**one, "items": one}


def _survives(default: Json) -> bool:
    """Whether Airflow gives a default back as it was: of a list it decodes objects only if all are.

    Where it does not, the form shows nothing, and the task fills in the default, as for any input left out.
    """
    if not isinstance(default, list):
        return True
    return all(isinstance(item, dict) for item in default) or not any(_holds_object(item) for item in default)


def _holds_object(value: Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(_holds_object(item) for item in value))


# ---- What the form shows


_EXAMPLES = {
    "File": ["data/table.csv", "https://example.org/table.csv", "s3://bucket/table.csv"],
    "Directory": ["data/images", "s3://bucket/images"],
}


def _field(port: Port) -> Schema:
    """The schema of an input, with what makes its field in the form a good one."""
    branches = [_with_choices(branch, port.choices) for branch in _branches(port.type)]
    schema = _schema_of(branches)
    hint = _adorn(schema, port, branches)
    if port.optional:
        schema = _nullable(schema)
    notes = "\n\n".join(note for note in (port.doc.strip(), hint) if note)
    return {**schema, "description_md": notes} if notes else schema


def _with_choices(branch: Json, choices: Json) -> Json:
    """A text, or a list of texts, that is one of these choices."""
    if choices and branch == "string":
        return {"type": "enum", "symbols": choices}
    if choices and isinstance(branch, dict) and branch.get("type") == "array" and branch.get("items") == "string":
        return {**branch, "items": {"type": "enum", "symbols": choices}}
    return branch


def _adorn(schema: Schema, port: Port, branches: list[Json]) -> str:
    """Help the form choose a field for this schema; what remains to be said to the user."""
    if _paths(branches):
        return _adorn_path(schema, port, branches)
    if (choices := _choices_or_text(branches)) is not None:
        schema.pop("anyOf")
        schema["examples"] = choices  # offered while one types
        return ""
    if len(branches) > 1 or schema == _ANY:
        return "Text, or a value as JSON."
    if schema["type"] == "array":
        return _adorn_list(schema, port)
    if schema["type"] == "object":
        return "An object as JSON."
    if schema["type"] == "string" and isinstance(port.default, str) and "\n" in port.default:
        schema["format"] = "multiline"
    return ""


def _choices_or_text(branches: Sequence[Json]) -> list[str] | None:
    """The choices of a type that is an enum or any text, such as the name of a known estimator or of another one."""
    enums = [branch for branch in branches if isinstance(branch, dict) and branch.get("type") == "enum"]
    if not enums or len(enums) + 1 != len(branches) or "string" not in branches:
        return None
    return [_short(symbol) for enum in enums for symbol in enum["symbols"]]


def _adorn_path(schema: Schema, port: Port, branches: Sequence[Json]) -> str:
    """A text field; where the default is an object, the text area that can show it."""
    kinds = " or ".join(dict.fromkeys("Directory" if branch == "Directory" else "File" for branch in branches))
    if isinstance(port.default, dict):
        return f"A path or a URI, or a CWL {kinds} object as JSON."
    schema["examples"] = _EXAMPLES["Directory" if kinds == "Directory" else "File"]
    return f"A path or a URI. A run's conf may also give a CWL {kinds} object."


def _adorn_list(schema: Schema, port: Port) -> str:
    items = schema["items"]
    if _is_path(items) and not _holds_object(port.default):
        objects = {key: value for key, value in items.items() if key != "type"}
        schema["items"] = {"anyOf": [{"type": "string"}, {"type": "object", **objects}]}
        return "One path or URI a line. A run's conf may also give CWL objects."
    if items.get("type") == "string" and "enum" in items:
        schema["examples"] = items["enum"]  # the form then offers them for choice, many at once
        return ""
    return "" if items.get("type") == "string" else "A list as JSON."


# ---- The types


_ANY: Schema = {"type": ["string", "number", "boolean", "object", "array"]}
_PLAIN: dict[str, Schema] = {
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "int": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number"},
    "double": {"type": "number"},
}
_PATHS = ("File", "Directory", "stdin")


def _schema_of(cwl_type: Json) -> Schema:
    """The JSON schema of a CWL type. A type that has only a name is defined elsewhere: anything goes."""
    if isinstance(cwl_type, list):
        return _union(cwl_type)
    if not isinstance(cwl_type, dict):
        return _path([cwl_type]) if cwl_type in _PATHS else dict(_PLAIN.get(cwl_type, _ANY))
    kind = cwl_type.get("type")
    if kind == "array":
        return {"type": "array", "items": _schema_of(cwl_type.get("items", "Any"))}
    if kind == "enum":
        return {"type": "string", "enum": [_short(symbol) for symbol in cwl_type.get("symbols", ())]}
    if kind == "record":
        return _record(cwl_type.get("fields") or [])
    return _schema_of(kind)


def _record(fields: list[Json]) -> Schema:
    properties = {_short(field["name"]): _schema_of(field["type"]) for field in fields}
    required = [name for name, schema in properties.items() if "null" not in _types(schema)]
    return {"type": "object", "properties": properties, "required": required}


def _union(branches: list[Json]) -> Schema:
    given = _branches(branches)
    if _paths(given):
        schemas = [_path(given)]
    else:
        schemas = []
        for branch in given:
            schema = _schema_of(branch)
            if schema not in schemas:
                schemas.append(schema)
    if not schemas:
        return dict(_PLAIN["null"])
    union = schemas[0] if len(schemas) == 1 else _any_of(schemas)
    return _nullable(union) if "null" in branches else union


def _any_of(schemas: list[Schema]) -> Schema:
    types = list(dict.fromkeys(name for schema in schemas for name in _types(schema)))
    return {"type": types[0] if len(types) == 1 else types, "anyOf": schemas}


def _path(kinds: Sequence[Json]) -> Schema:
    """A path or URI, or CWL's own object: the last two keywords are for objects alone."""
    classes = sorted({"Directory" if kind == "Directory" else "File" for kind in kinds})
    return {"type": ["string", "object"], "properties": {"class": {"enum": classes}}, "required": ["class"]}


def _is_path(schema: Schema) -> bool:
    return schema.get("type") == ["string", "object"] and "class" in schema.get("properties", ())


def _nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if "null" in _types(schema):
        return schema
    wider = {**schema, "type": [*_types(schema), "null"]}
    if "enum" in schema:
        wider["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        wider["anyOf"] = [*schema["anyOf"], _PLAIN["null"]]
    return wider


def _branches(cwl_type: Json) -> list[Json]:
    """What a type may be, null apart."""
    return [branch for branch in (cwl_type if isinstance(cwl_type, list) else [cwl_type]) if branch != "null"]


def _paths(branches: Sequence[Json]) -> bool:
    return bool(branches) and all(isinstance(branch, str) and branch in _PATHS for branch in branches)


def _types(schema: Schema) -> list[str]:
    names = schema["type"]
    return names if isinstance(names, list) else [names]


def _short(name: str) -> str:
    """The last part of a full name."""
    return name.rsplit("#", 1)[-1].rsplit("/", 1)[-1]
