"""Which parts of a CWL document are maps, lists or texts, for the mistakes that cwltool does not name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from airflow_mlcraft.cwl.errors.source_positions import line_of_key, loaded_or_none

Fault: TypeAlias = "tuple[int, str]"
"""A line, and what is wrong there."""

_CLASSES = ("CommandLineTool", "ExpressionTool", "Workflow", "Operation")
_NAMES = ("class", "id", "name", "$import", "$include", "$mixin")
_REFERENCES = ("run", "source", "outputSource", "$import", "$include", "$mixin", "scatter", "location", "$schemas")
_PORTS = ("inputs", "outputs", "in")


def wrong_shape_at(text: str) -> Fault | None:
    """The first part of a document that is of another kind than CWL has there."""
    document = loaded_or_none(text)
    if not isinstance(document, CommentedMap):
        return None
    return next(_of_document(document), None)


def _of_document(document: CommentedMap) -> Iterator[Fault]:
    if "$graph" not in document:
        yield from _of_process(document, 1)
        yield from _of_anything(document)
        return
    graph = document["$graph"]
    line = line_of_key(document, "$graph")
    if not isinstance(graph, list):
        yield line, f"$graph is {_kind(graph)}, expected a list of processes"
        return
    for number, process in enumerate(graph):
        here = _line_of_item(graph, number, line)
        if not isinstance(process, dict):
            yield here, f"$graph has {_kind(process)}, expected processes"
        elif not isinstance(process.get("id"), str):
            yield here, "a process of $graph has no id, which each of them needs"
        else:
            yield from _of_process(process, here)
    yield from _of_anything(document)


def _of_anything(node: Any, line: int = 1) -> Iterator[Fault]:
    """What stands nowhere in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            here = line_of_key(node, key) if isinstance(node, CommentedMap) else line
            if not isinstance(key, str) or not key:
                yield here, f"found a field called {key!r}, expected a name"
            yield from _of_field(str(key), value, here)
            # A default may hold anything.
            yield from _of_file(value, here) if key == "default" else _of_anything(value, here)
    elif isinstance(node, list):
        for number, item in enumerate(node):
            here = _line_of_item(node, number, line)
            if item is None:
                yield here, "found an empty entry of a list, expected a value"
            if isinstance(item, list):
                yield here, "found a list in a list, expected a text or a map"
            yield from _of_anything(item, here)


def _of_field(key: str, value: Any, line: int) -> Iterator[Fault]:
    if key == "$namespaces" and isinstance(value, dict):
        for prefix, address in value.items():
            if not isinstance(address, str):
                yield line, f"the prefix {prefix} is {_kind(address)}, expected an address"
    if key in _NAMES and not isinstance(value, str):
        yield line, f"{key} is {_kind(value)}, expected a text"
    if key in _REFERENCES:
        yield from _of_reference(key, value, line)


def _of_file(value: Any, line: int) -> Iterator[Fault]:
    """A default may hold anything, but for files, whose places are texts."""
    if isinstance(value, dict) and not isinstance(value.get("class", ""), str):
        yield line, f"class of a default is {_kind(value['class'])}, expected a text"
    elif isinstance(value, dict) and value.get("class") in ("File", "Directory"):
        for key in ("location", "path"):
            if key in value and not isinstance(value[key], str):
                yield line, f"{key} of a {value['class']} is {_kind(value[key])}, expected a text"


def _of_reference(field: str, value: Any, line: int) -> Iterator[Fault]:
    for reference in value if isinstance(value, list) else [value]:
        if not isinstance(reference, (str, dict)):
            yield line, f"{field} is {_kind(reference)}, expected a text"
        try:
            urlsplit(str(reference))
        except ValueError as error:
            yield line, f"{field} is {str(reference)[:60]!r}, which is no address ({error})"


def _of_process(process: Any, line: int) -> Iterator[Fault]:
    found = process.get("class")
    if found not in _CLASSES if isinstance(found, str) else True:
        here = line_of_key(process, "class") if "class" in process else line
        shown = f"class is {_kind(found)}" if "class" in process else "found no class"
        yield here, f"{shown}, expected one of {', '.join(_CLASSES)}"
    for field in _PORTS:
        yield from _of_ports(process, field)
    for field in ("requirements", "hints"):
        yield from _of_features(process, field)
    for field in ("id", "cwlVersion", "expression", "stdin", "stdout", "stderr"):
        yield from _of_text(process, field)
    yield from _of_steps(process)


def _of_ports(holder: Any, field: str) -> Iterator[Fault]:
    for name, port, line in _entries(holder, field, "id"):
        if name is None:
            yield line, f"an entry of {field} has no id that is a text"
        elif isinstance(holder[field], list) and not isinstance(port, dict):
            yield line, f"an entry of {field} is {_kind(port)}, expected a map with an id"
        if field == "in" and isinstance(port, list) and not all(isinstance(each, str) for each in port):
            yield line, f"the sources of {name} are not all texts, expected names of inputs or outputs"
        if isinstance(port, dict) and "type" in port:
            yield from _of_type(port, "type")
        elif not isinstance(port, (dict, str, list)) and field != "in":
            yield line, f"{name} in {field} is {_kind(port)}, expected a type or a map"
    if field in holder and not isinstance(holder[field], (dict, list)):
        yield line_of_key(holder, field), f"{field} is {_kind(holder[field])}, expected a list or a map"


def _of_features(holder: Any, field: str) -> Iterator[Fault]:
    if field in holder and not isinstance(holder[field], (dict, list)):
        yield line_of_key(holder, field), f"{field} is {_kind(holder[field])}, expected a list or a map"
    for name, feature, line in _entries(holder, field, "class"):
        if not isinstance(feature, dict) or (name is None and "$import" not in feature):
            yield line, f"an entry of {field} is {_kind(feature)} without a class, expected a map with one"
        elif isinstance(feature.get("types"), list) and not all(isinstance(each, dict) for each in feature["types"]):
            yield line, "types of SchemaDefRequirement has an entry that is no map, expected the types themselves"


def _of_steps(process: Any) -> Iterator[Fault]:
    if "steps" not in process:
        return
    line = line_of_key(process, "steps")
    if not isinstance(process["steps"], (dict, list)):
        yield line, f"steps is {_kind(process['steps'])}, expected a list or a map"
        return
    for name, step, here in _entries(process, "steps", "id"):
        if name is None:
            yield here, "a step has no id that is a text"
        if not isinstance(step, dict):
            yield here, f"the step {name} is {_kind(step)}, expected a map"
            continue
        run = step.get("run")
        if isinstance(run, dict):
            yield from _of_process(run, here)
        elif not isinstance(run, str):
            yield here, f"run of the step {name} is {_kind(run)}, expected a path or a process"
        yield from _of_ports(step, "in")
        out = step.get("out")
        if not isinstance(out, list) or not all(isinstance(each, (str, dict)) for each in out):
            yield here, f"out of the step {name} is {_kind(out)}, expected a list of the outputs' names"


def _of_type(holder: Any, field: str) -> Iterator[Fault]:
    node, line = holder[field], line_of_key(holder, field)
    if isinstance(node, list):
        if not all(isinstance(branch, (str, dict)) for branch in node):
            yield line, f"{field} has a branch that is neither a name nor a map"
        return
    if not isinstance(node, (str, dict)):
        yield line, f"{field} is {_kind(node)}, expected a type"
        return
    if isinstance(node, dict) and "$import" not in node:
        wanted = {"array": "items", "enum": "symbols", "record": "fields"}
        kind = node.get("type")
        if isinstance(kind, str) and kind in wanted and wanted[kind] not in node:
            yield line, f"the type {kind} has no {wanted[kind]}"
        for inner in ("type", "items"):
            if inner in node:
                yield from _of_type(node, inner)
        if "symbols" in node and not isinstance(node["symbols"], list):
            yield line, f"symbols is {_kind(node['symbols'])}, expected a list of texts"


def _of_text(holder: Any, field: str) -> Iterator[Fault]:
    if field in holder and not isinstance(holder[field], str):
        yield line_of_key(holder, field), f"{field} is {_kind(holder[field])}, expected a text"


def _entries(holder: Any, field: str, key: str) -> Iterator[tuple[str | None, Any, int]]:
    """The name, the value and the line of each entry of a list or a map; no name where it is not a text."""
    node = holder.get(field)
    if isinstance(node, CommentedMap):
        for name, entry in node.items():
            yield (name if isinstance(name, str) else None), entry, line_of_key(node, name)
    elif isinstance(node, CommentedSeq):
        for number, entry in enumerate(node):
            name = entry.get(key) if isinstance(entry, dict) else entry
            yield (name if isinstance(name, str) else None), entry, _line_of_item(node, number, 1)


def _line_of_item(node: Any, number: int, otherwise: int) -> int:
    try:
        return int(node.lc.item(number)[0]) + 1
    except (AttributeError, KeyError, TypeError):
        return otherwise


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return f"{str(value)[:60]!r}"
