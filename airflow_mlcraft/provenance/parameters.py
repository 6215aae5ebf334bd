"""Formal parameters of processes and their types, and the ids of processes, files and parts in the crate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

from rocrate.model import Entity
from rocrate.rocrate import ROCrate

from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.plan import Json, Link, Step, ToolRef, Workflow
from airflow_mlcraft.cwl.portable import DOCUMENT_SCHEME

WORKFLOW = "workflow"
"""The folder of the document's files in the crate."""
DATA = "data"
"""The folder of the run's input and output files in the crate."""

_SAFE = "/._-~"


def short_name(port_id: str) -> str:
    """Return the name of an input or output from its URI."""
    return local_name(port_id)


def part_id(owner: str, *path: str) -> str:
    """Return the id of a part of a file, or of a part of a part."""
    tail = "/".join(quote(name, safe=_SAFE) for name in path)
    return f"{owner}/{tail}" if "#" in owner else f"{owner}#{tail}"


def process_id(uri: str) -> str:
    """Return the id of a process by its URI; "" for one without a name."""
    if uri.startswith("_:"):
        return ""
    if not uri.startswith(DOCUMENT_SCHEME):
        return uri
    path, _, fragment = uri.removeprefix(DOCUMENT_SCHEME).partition("#")
    file = file_id(unquote(path))
    return part_id(file, unquote(fragment)) if fragment else file


def file_id(path: str) -> str:
    """Return the id of a file of the document."""
    return quote(f"{WORKFLOW}/{path}")


_SCHEMA_TYPES = {
    "File": "File",
    "Directory": "Dataset",
    "string": "Text",
    "boolean": "Boolean",
    "int": "Integer",
    "long": "Integer",
    "float": "Float",
    "double": "Float",
    "Any": "DataType",
    "stdout": "File",
    "stderr": "File",
    "stdin": "File",
    "enum": "Text",
    "record": "PropertyValue",
}


@dataclass(frozen=True)
class ParameterType:
    """The type of a parameter: the types of a single value, and whether it is an array or optional."""

    types: tuple[str, ...]
    is_array: bool = False
    is_optional: bool = False
    pattern: str = ""
    """The symbols of an enum, separated by `|`."""


def get_named_types(process: Json) -> Mapping[str, Json]:
    """Return the types that a process defines in SchemaDefRequirement, by name."""
    defined = [item for item in process.get("requirements", ()) if item.get("class") == "SchemaDefRequirement"]
    return {entry["name"]: entry for item in defined for entry in item["types"] if "name" in entry}


def to_parameter_type(cwl: Json, named_types: Mapping[str, Json] = MappingProxyType({})) -> ParameterType:
    """Convert a CWL type; an unknown type becomes `DataType`."""
    if isinstance(cwl, list):
        parts = [to_parameter_type(part, named_types) for part in cwl if part != "null"]
        return ParameterType(
            types=tuple(dict.fromkeys(name for part in parts for name in part.types)) or ("DataType",),
            is_array=any(part.is_array for part in parts),
            is_optional="null" in cwl,
            pattern=parts[0].pattern if len(parts) == 1 else "",
        )
    if isinstance(cwl, dict):
        kind = cwl.get("type")
        if kind == "array":
            return ParameterType(to_parameter_type(cwl.get("items"), named_types).types, is_array=True)
        if kind == "enum":
            symbols = [local_name(name) for name in cwl.get("symbols", ())]
            return ParameterType(("Text",), pattern="|".join(symbols))
        return to_parameter_type(kind, named_types)
    if cwl in named_types:
        return to_parameter_type(named_types[cwl])
    return ParameterType((_SCHEMA_TYPES.get(str(cwl), "DataType"),))


class OutputTypes:
    """The types of workflow outputs, from the steps that they are linked to."""

    def __init__(
        self, workflow: Workflow, named_types: Mapping[str, Json], tool_types: Mapping[str, Mapping[str, ParameterType]]
    ):
        self._workflow = workflow
        self._named = named_types
        self._tool_types = tool_types
        """The types by the tool's digest and the output's name."""

    def parameter_type(self, link: Link) -> ParameterType:
        """Return the type of one output."""
        found = [self._source_type(source) for source in link.sources]
        return ParameterType(
            types=tuple(dict.fromkeys(name for one in found for name in one.types)) or ("DataType",),
            is_array=any(one.is_array for one in found) or (len(found) > 1 and not link.pick_value),
            is_optional=any(one.is_optional for one in found),
        )

    def _source_type(self, source: str) -> ParameterType:
        step_id, _, name = source.rpartition("/")
        if not step_id:
            return next(to_parameter_type(port.type, self._named) for port in self._workflow.inputs if port.id == name)
        step = self._workflow.step(step_id)
        inner = self._step_output_type(step, name)
        return ParameterType(inner.types, inner.is_array or bool(step.scatter), inner.is_optional or bool(step.when))

    def _step_output_type(self, step: Step, name: str) -> ParameterType:
        if isinstance(step.run, ToolRef):
            return self._tool_types[step.run.digest].get(name, ParameterType(("DataType",)))
        link = next(link for link in step.run.outputs if link.id == name)
        return OutputTypes(step.run, self._named, self._tool_types).parameter_type(link)


def add_parameter(
    crate: ROCrate, owner: Entity, kind: str, name: str, *, parameter_type: ParameterType, fields: Json
) -> None:
    """Add a parameter of a process to its `inputs` or `outputs`; `fields` are those of its document."""
    properties: dict[str, Any] = {}
    if parameter_type.is_array:
        properties["multipleValues"] = True
    if parameter_type.pattern:
        properties["valuePattern"] = parameter_type.pattern
    if isinstance(fields.get("format"), str):
        properties["encodingFormat"] = fields["format"]
    if isinstance(fields.get("default"), (str, int, float)):
        properties["defaultValue"] = str(fields["default"])
    doc = fields.get("doc") or ""
    parameter = crate.add_formal_parameter(
        name,
        parameter_type.types[0] if len(parameter_type.types) == 1 else list(parameter_type.types),
        identifier=part_id(owner.id, kind, name),
        description="\n".join(doc) if isinstance(doc, list) else doc,
        valueRequired=not parameter_type.is_optional and fields.get("default") is None,
        properties=properties,
    )
    owner.append_to(kind.removesuffix("s"), parameter)
