"""Formal parameters of processes: their types, and the ids of processes, files and their parts in the crate."""

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
"""The folder of the document's files."""
DATA = "data"
"""The folder of the files that the run read and made."""

_SAFE = "/._-~"


def short_name(port_id: str) -> str:
    """The name of an input or output, of its URI."""
    return local_name(port_id)


def part_id(owner: str, *path: str) -> str:
    """The id of a part of a file, or of a part of such a part."""
    tail = "/".join(quote(name, safe=_SAFE) for name in path)
    return f"{owner}/{tail}" if "#" in owner else f"{owner}#{tail}"


def process_id(uri: str) -> str:
    """The id of a process that has a name of its own; empty when it is nameless."""
    if uri.startswith("_:"):
        return ""
    if not uri.startswith(DOCUMENT_SCHEME):
        return uri
    path, _, fragment = uri.removeprefix(DOCUMENT_SCHEME).partition("#")
    file = file_id(unquote(path))
    return part_id(file, unquote(fragment)) if fragment else file


def file_id(path: str) -> str:
    """The id of a file of the document."""
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
    """The choices of an enum."""


def get_named_types(process: Json) -> Mapping[str, Json]:
    """The types that a process' document defines, by name."""
    defined = [item for item in process.get("requirements", ()) if item.get("class") == "SchemaDefRequirement"]
    return {entry["name"]: entry for item in defined for entry in item["types"] if "name" in entry}


def to_parameter_type(cwl: Json, named: Mapping[str, Json] = MappingProxyType({})) -> ParameterType:
    """The type of a parameter; an unknown CWL type becomes `DataType`."""
    if isinstance(cwl, list):
        parts = [to_parameter_type(part, named) for part in cwl if part != "null"]
        return ParameterType(
            types=tuple(dict.fromkeys(name for part in parts for name in part.types)) or ("DataType",),
            is_array=any(part.is_array for part in parts),
            is_optional="null" in cwl,
            pattern=parts[0].pattern if len(parts) == 1 else "",
        )
    if isinstance(cwl, dict):
        kind = cwl.get("type")
        if kind == "array":
            return ParameterType(to_parameter_type(cwl.get("items"), named).types, is_array=True)
        if kind == "enum":
            symbols = [local_name(name) for name in cwl.get("symbols", ())]
            return ParameterType(("Text",), pattern="|".join(symbols))
        return to_parameter_type(kind, named)
    if cwl in named:
        return to_parameter_type(named[cwl])
    return ParameterType((_SCHEMA_TYPES.get(str(cwl), "DataType"),))


class OutputTypes:
    """The types of workflow outputs: those of the steps they come from."""

    def __init__(
        self, workflow: Workflow, named: Mapping[str, Json], of_tool: Mapping[str, Mapping[str, ParameterType]]
    ):
        self._workflow = workflow
        self._named = named
        self._of_tool = of_tool
        """By the tool's digest and the output's name."""

    def parameter_type(self, link: Link) -> ParameterType:
        """The type of one output."""
        found = [self._of_source(source) for source in link.sources]
        return ParameterType(
            types=tuple(dict.fromkeys(name for one in found for name in one.types)) or ("DataType",),
            is_array=any(one.is_array for one in found) or (len(found) > 1 and not link.pick_value),
            is_optional=any(one.is_optional for one in found),
        )

    def _of_source(self, source: str) -> ParameterType:
        step_id, _, name = source.rpartition("/")
        if not step_id:
            return next(to_parameter_type(port.type, self._named) for port in self._workflow.inputs if port.id == name)
        step = self._workflow.step(step_id)
        inner = self._of_step(step, name)
        return ParameterType(inner.types, inner.is_array or bool(step.scatter), inner.is_optional or bool(step.when))

    def _of_step(self, step: Step, name: str) -> ParameterType:
        if isinstance(step.run, ToolRef):
            return self._of_tool[step.run.digest].get(name, ParameterType(("DataType",)))
        link = next(link for link in step.run.outputs if link.id == name)
        return OutputTypes(step.run, self._named, self._of_tool).parameter_type(link)


def add_parameter(crate: ROCrate, owner: Entity, kind: str, name: str, *, takes: ParameterType, facts: Json) -> None:
    """Add one of a process' `inputs` or `outputs`; `facts` are what its document says of it."""
    properties: dict[str, Any] = {}
    if takes.is_array:
        properties["multipleValues"] = True
    if takes.pattern:
        properties["valuePattern"] = takes.pattern
    if isinstance(facts.get("format"), str):
        properties["encodingFormat"] = facts["format"]
    if isinstance(facts.get("default"), (str, int, float)):
        properties["defaultValue"] = str(facts["default"])
    doc = facts.get("doc") or ""
    parameter = crate.add_formal_parameter(
        name,
        takes.types[0] if len(takes.types) == 1 else list(takes.types),
        identifier=part_id(owner.id, kind, name),
        description="\n".join(doc) if isinstance(doc, list) else doc,
        valueRequired=not takes.is_optional and facts.get("default") is None,
        properties=properties,
    )
    owner.append_to(kind.removesuffix("s"), parameter)
