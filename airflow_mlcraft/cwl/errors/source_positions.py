"""Lines of fields, steps and texts in a document, for errors without a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urldefrag, urljoin

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from airflow_mlcraft.common.cwl_types import local_name

_IMPORT = re.compile(r"^[^#\n]*\$(?:import|mixin)\b", re.MULTILINE)


@dataclass(frozen=True)
class SourcePosition:
    """A line of a file, counted from one."""

    uri: str
    line: int


def find_step_line(text: str, name: str) -> int | None:
    """The line of the step with an id; the first one if several workflows of a file have such a step."""
    for process in _iter_workflows(_load_yaml(text)):
        for step_id, _, line in _iter_steps(process):
            if step_id == name:
                return line
    return None


def find_empty_field_line(text: str) -> int | None:
    """The line of the first field without a value, not counting defaults."""
    for node in _iter_maps(_load_yaml(text)):
        for key, value in node.items():
            if value is None and key != "default":
                return key_line(node, key)
    return None


def find_field_line(text: str, field: str, value: Any = None) -> int | None:
    """The line of the first field with this name, preferably with this value; without a name, of the value."""
    fallback = None
    for node in _iter_maps(load_yaml_or_none(text)):
        for key, item in node.items():
            if field and key != field:
                continue
            if value is not None and any(_contains(value, found) for found in (key, item)):
                return key_line(node, key)
            if field and (fallback is None or value is None):
                fallback = fallback or key_line(node, key)
    return fallback


def _contains(value: Any, item: Any) -> bool:
    """Whether a field's value, or a text or number in its list, equals this value."""
    if isinstance(item, list):
        return any(_contains(value, part) for part in item)
    if isinstance(value, str) and isinstance(item, str):
        # A text with unusual characters may have been composed of several.
        return item == value or (not item.isprintable() and item in value)
    return bool(item == value)


def find_path_line(text: str, path_steps: Sequence[str | int]) -> int | None:
    """The line at a path of field names and positions, as far as the path can be followed."""
    node, line = load_yaml_or_none(text), None
    for step in path_steps:
        if isinstance(step, int) and isinstance(node, CommentedMap):
            # schema-salad converts maps to lists, sorted by name.
            step_names = sorted(node, key=str)
            step = step_names[step] if step < len(step_names) else ""  # noqa: PLW2901
        if isinstance(node, CommentedMap) and step in node:
            line = key_line(node, step)
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            line = int(node.lc.item(step)[0]) + 1
        else:
            break
        node = node[step]
    return line


def find_text_line(text: str, wanted: Iterable[str]) -> int | None:
    """The first line with one of these texts, the longest of them first; of a path, its end."""
    lines = text.splitlines()
    for name in sorted({name.rstrip("/").rpartition("/")[2].rpartition("#")[2] for name in wanted}, key=len)[::-1]:
        for number, line in enumerate(lines, 1):
            if name and name in line:
                return number
    return None


def find_import_line(text: str) -> int | None:
    """The line of the first `$import`."""
    found = _IMPORT.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else None


def find_deepest(text: str) -> tuple[int, int]:
    """The depth of a document's nested values, and the line where they are deepest."""
    depth = deepest = line = 0
    for event in YAML(pure=True).parse(text):
        if isinstance(event, (MappingStartEvent, SequenceStartEvent)):
            depth += 1
            if depth > deepest:
                deepest, line = depth, event.start_mark.line + 1
        elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            depth -= 1
    return deepest, line


def find_self_run(uri: str, texts: Mapping[str, str]) -> SourcePosition | None:
    """The position of a step that runs a workflow which contains the step, below the process at `uri`; or None."""
    documents: dict[str, Any] = {}

    def process_at(uri: str) -> Any:
        file, fragment = urldefrag(uri)
        if file not in documents:
            documents[file] = _load_yaml(texts.get(file, ""))
        return _find_process(documents[file], fragment)

    def walk(process: Any, base: str, enclosing: tuple[str, ...]) -> SourcePosition | None:
        for _, step, _ in _iter_steps(process):
            run = step.get("run")
            if isinstance(run, str):
                target = _normalized_uri(urljoin(base, run))
                if target in enclosing:
                    return SourcePosition(base, key_line(step, "run"))
                found = walk(process_at(target), urldefrag(target)[0], (*enclosing, target))
            else:
                found = walk(run, base, enclosing)
            if found:
                return found
        return None

    return walk(process_at(uri), urldefrag(uri)[0], (_normalized_uri(uri),))


def _normalized_uri(uri: str) -> str:
    file, fragment = urldefrag(uri)
    return file if fragment in ("", "main") else uri


def _find_process(document: Any, fragment: str) -> Any:
    if not isinstance(document, dict) or not isinstance(document.get("$graph"), list):
        return document
    named = {str(part.get("id", "")).lstrip("#"): part for part in document["$graph"] if isinstance(part, dict)}
    return named.get(fragment or "main") or next(iter(named.values()), None)


def _iter_workflows(node: Any) -> Iterator[Any]:
    return (found for found in _iter_maps(node) if "steps" in found)


def _iter_maps(node: Any) -> Iterator[CommentedMap]:
    if isinstance(node, CommentedMap):
        yield node
    if isinstance(node, (dict, list)):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _iter_maps(item)


def _iter_steps(process: Any) -> Iterator[tuple[str, Any, int]]:
    """The id, the step and the line of each step."""
    steps = process.get("steps") if isinstance(process, dict) else None
    if isinstance(steps, CommentedMap):
        found = [(name, step, key_line(steps, name)) for name, step in steps.items() if isinstance(step, dict)]
    else:
        found = [(step.get("id", ""), step, step.lc.line + 1) for step in steps or () if isinstance(step, CommentedMap)]
    for name, step, line in found:
        yield local_name(name), step, line


def _load_yaml(text: str) -> Any:
    reader = YAML(pure=True)
    reader.allow_duplicate_keys = True
    return reader.load(text)


def load_yaml_or_none(text: str) -> Any:
    """A document with the lines of its parts; None if it cannot be parsed."""
    try:
        return _load_yaml(text)
    except Exception:
        # The caller already has an error, and only needs its line.
        return None


def key_line(node: Any, key: Any) -> int:
    """The line of a field of a map."""
    return int(node.lc.key(key)[0]) + 1
