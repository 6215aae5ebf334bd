"""Checks that parts of a CWL document are maps, lists or texts, for faults that cwltool does not report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from airflow_mlcraft.cwl.errors.source_positions import key_line, load_yaml_or_none

Fault: TypeAlias = "tuple[int, str]"
"""A line, and a message about the fault there."""

_CLASSES = ("CommandLineTool", "ExpressionTool", "Workflow", "Operation")
_NAME_FIELDS = ("class", "id", "name", "$import", "$include", "$mixin")
_REFERENCE_FIELDS = (
    "run",
    "source",
    "outputSource",
    "$import",
    "$include",
    "$mixin",
    "scatter",
    "location",
    "$schemas",
)
_PORT_FIELDS = ("inputs", "outputs", "in")


def find_shape_fault(text: str) -> Fault | None:
    """The first part of a document with another type than CWL expects, with a message; None for none."""
    document = load_yaml_or_none(text)
    if not isinstance(document, CommentedMap):
        return None
    return next(_document_faults(document), None)


def _document_faults(document: CommentedMap) -> Iterator[Fault]:
    if "$graph" not in document:
        yield from _process_faults(document, 1)
        yield from _value_faults(document)
        return
    graph = document["$graph"]
    line = key_line(document, "$graph")
    if not isinstance(graph, list):
        yield line, f"$graph is {_describe_value(graph)}, expected a list of processes"
        return
    for number, process in enumerate(graph):
        item_line = _item_line(graph, number, line)
        if not isinstance(process, dict):
            yield item_line, f"$graph has {_describe_value(process)}, expected processes"
        elif not isinstance(process.get("id"), str):
            yield item_line, "a process of $graph has no id, which each of them needs"
        else:
            yield from _process_faults(process, item_line)
    yield from _value_faults(document)


def _value_faults(node: Any, line: int = 1) -> Iterator[Fault]:
    """Faults of values that are not allowed anywhere in a document."""
    if isinstance(node, dict):
        for key, value in node.items():
            item_line = key_line(node, key) if isinstance(node, CommentedMap) else line
            if not isinstance(key, str) or not key:
                yield item_line, f"found a field called {key!r}, expected a name"
            yield from _field_faults(str(key), value, item_line)
            # A default may hold anything.
            yield from _default_faults(value, item_line) if key == "default" else _value_faults(value, item_line)
    elif isinstance(node, list):
        for number, item in enumerate(node):
            item_line = _item_line(node, number, line)
            if item is None:
                yield item_line, "found an empty entry of a list, expected a value"
            if isinstance(item, list):
                yield item_line, "found a list in a list, expected a text or a map"
            yield from _value_faults(item, item_line)


def _field_faults(key: str, value: Any, line: int) -> Iterator[Fault]:
    if key == "$namespaces" and isinstance(value, dict):
        for prefix, address in value.items():
            if not isinstance(address, str):
                yield line, f"the prefix {prefix} is {_describe_value(address)}, expected an address"
    if key in _NAME_FIELDS and not isinstance(value, str):
        yield line, f"{key} is {_describe_value(value)}, expected a text"
    if key in _REFERENCE_FIELDS:
        yield from _reference_faults(key, value, line)


def _default_faults(value: Any, line: int) -> Iterator[Fault]:
    """Faults of a default: any value is allowed, but locations of files are texts."""
    if isinstance(value, dict) and not isinstance(value.get("class", ""), str):
        yield line, f"class of a default is {_describe_value(value['class'])}, expected a text"
    elif isinstance(value, dict) and value.get("class") in ("File", "Directory"):
        for key in ("location", "path"):
            if key in value and not isinstance(value[key], str):
                yield line, f"{key} of a {value['class']} is {_describe_value(value[key])}, expected a text"


def _reference_faults(field: str, value: Any, line: int) -> Iterator[Fault]:
    for reference in value if isinstance(value, list) else [value]:
        if not isinstance(reference, (str, dict)):
            yield line, f"{field} is {_describe_value(reference)}, expected a text"
        try:
            urlsplit(str(reference))
        except ValueError as error:
            yield line, f"{field} is {str(reference)[:60]!r}, which is no address ({error})"


def _process_faults(process: Any, line: int) -> Iterator[Fault]:
    found = process.get("class")
    if found not in _CLASSES if isinstance(found, str) else True:
        item_line = key_line(process, "class") if "class" in process else line
        found = f"class is {_describe_value(found)}" if "class" in process else "found no class"
        yield item_line, f"{found}, expected one of {', '.join(_CLASSES)}"
    for field in _PORT_FIELDS:
        yield from _port_faults(process, field)
    for field in ("requirements", "hints"):
        yield from _requirement_faults(process, field)
    for field in ("id", "cwlVersion", "expression", "stdin", "stdout", "stderr"):
        yield from _text_faults(process, field)
    yield from _step_faults(process)


def _port_faults(holder: Any, field: str) -> Iterator[Fault]:
    for name, port, line in _iter_entries(holder, field, "id"):
        if name is None:
            yield line, f"an entry of {field} has no id that is a text"
        elif isinstance(holder[field], list) and not isinstance(port, dict):
            yield line, f"an entry of {field} is {_describe_value(port)}, expected a map with an id"
        if field == "in" and isinstance(port, list) and not all(isinstance(each, str) for each in port):
            yield line, f"the sources of {name} are not all texts, expected names of inputs or outputs"
        if isinstance(port, dict) and "type" in port:
            yield from _type_faults(port, "type")
        elif not isinstance(port, (dict, str, list)) and field != "in":
            yield line, f"{name} in {field} is {_describe_value(port)}, expected a type or a map"
    if field in holder and not isinstance(holder[field], (dict, list)):
        yield key_line(holder, field), f"{field} is {_describe_value(holder[field])}, expected a list or a map"


def _requirement_faults(holder: Any, field: str) -> Iterator[Fault]:
    if field in holder and not isinstance(holder[field], (dict, list)):
        yield key_line(holder, field), f"{field} is {_describe_value(holder[field])}, expected a list or a map"
    for name, feature, line in _iter_entries(holder, field, "class"):
        if not isinstance(feature, dict) or (name is None and "$import" not in feature):
            yield line, f"an entry of {field} is {_describe_value(feature)} without a class, expected a map with one"
        elif isinstance(feature.get("types"), list) and not all(isinstance(each, dict) for each in feature["types"]):
            yield line, "types of SchemaDefRequirement has an entry that is no map, expected the types themselves"


def _step_faults(process: Any) -> Iterator[Fault]:
    if "steps" not in process:
        return
    line = key_line(process, "steps")
    if not isinstance(process["steps"], (dict, list)):
        yield line, f"steps is {_describe_value(process['steps'])}, expected a list or a map"
        return
    for name, step, item_line in _iter_entries(process, "steps", "id"):
        if name is None:
            yield item_line, "a step has no id that is a text"
        if not isinstance(step, dict):
            yield item_line, f"the step {name} is {_describe_value(step)}, expected a map"
            continue
        run = step.get("run")
        if isinstance(run, dict):
            yield from _process_faults(run, item_line)
        elif not isinstance(run, str):
            yield item_line, f"run of the step {name} is {_describe_value(run)}, expected a path or a process"
        yield from _port_faults(step, "in")
        out = step.get("out")
        if not isinstance(out, list) or not all(isinstance(each, (str, dict)) for each in out):
            yield item_line, f"out of the step {name} is {_describe_value(out)}, expected a list of the outputs' names"


def _type_faults(holder: Any, field: str) -> Iterator[Fault]:
    node, line = holder[field], key_line(holder, field)
    if isinstance(node, list):
        if not all(isinstance(branch, (str, dict)) for branch in node):
            yield line, f"{field} has a branch that is neither a name nor a map"
        return
    if not isinstance(node, (str, dict)):
        yield line, f"{field} is {_describe_value(node)}, expected a type"
        return
    if isinstance(node, dict) and "$import" not in node:
        required_fields = {"array": "items", "enum": "symbols", "record": "fields"}
        kind = node.get("type")
        if isinstance(kind, str) and kind in required_fields and required_fields[kind] not in node:
            yield line, f"the type {kind} has no {required_fields[kind]}"
        for inner in ("type", "items"):
            if inner in node:
                yield from _type_faults(node, inner)
        if "symbols" in node and not isinstance(node["symbols"], list):
            yield line, f"symbols is {_describe_value(node['symbols'])}, expected a list of texts"


def _text_faults(holder: Any, field: str) -> Iterator[Fault]:
    if field in holder and not isinstance(holder[field], str):
        yield key_line(holder, field), f"{field} is {_describe_value(holder[field])}, expected a text"


def _iter_entries(holder: Any, field: str, key: str) -> Iterator[tuple[str | None, Any, int]]:
    """The name, value and line of each entry of a list or a map; no name if it is not a text."""
    node = holder.get(field)
    if isinstance(node, CommentedMap):
        for name, entry in node.items():
            yield (name if isinstance(name, str) else None), entry, key_line(node, name)
    elif isinstance(node, CommentedSeq):
        for number, entry in enumerate(node):
            name = entry.get(key) if isinstance(entry, dict) else entry
            yield (name if isinstance(name, str) else None), entry, _item_line(node, number, 1)


def _item_line(node: Any, number: int, otherwise: int) -> int:
    try:
        return int(node.lc.item(number)[0]) + 1
    except (AttributeError, KeyError, TypeError):
        return otherwise


def _describe_value(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return f"{str(value)[:60]!r}"
