"""The relative paths that a document refers to, and their rewriting when the document moves."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import yaml

from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.library.shallow_yaml import compose_nodes

_REFERENCE_FIELDS = ("run", "$import", "$include", "$mixin")
_FILE_FIELDS = ("location", "path")


@dataclass(frozen=True)
class Reference:
    """A relative path in a text, from `start` to `end`."""

    start: int
    end: int
    field: str
    target: str
    """The path relative to the folder; it begins with `../` if it leads out."""
    fragment: str = ""


def find_references(text: str, path: str) -> list[Reference]:
    """Find the references of the document at `path`; [] if it is not YAML."""
    try:
        node = compose_nodes(text)
    except DocumentError:
        return []
    return [*_iter_references(node, posixpath.dirname(path), set())] if node is not None else []


def move_references(text: str, path: str, to: str) -> str:
    """Return the text of a document moved to another path: only relative paths are rewritten."""
    if posixpath.dirname(path) == posixpath.dirname(to):
        return text
    for found in sorted(find_references(text, path), key=lambda found: -found.start):
        new_target = posixpath.relpath(found.target, posixpath.dirname(to) or ".")
        encoded = quote(new_target, safe="/:@!$&'()*+,;=~-._ ") if found.field in _FILE_FIELDS else new_target
        old = text[found.start : found.end]
        quote_sign = old[0] if old[:1] in ("'", '"') else ""
        text = f"{text[: found.start]}{quote_sign}{encoded}{found.fragment}{quote_sign}{text[found.end :]}"
    return text


def _iter_references(node: yaml.Node, folder: str, seen: set[int]) -> Iterator[Reference]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _iter_references(item, folder, seen)
    elif isinstance(node, yaml.MappingNode):
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        names = (*_REFERENCE_FIELDS, *(_FILE_FIELDS if _is_file(fields.get("class")) else ()))
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if name in names and isinstance(value, yaml.ScalarNode):
                if id(value) not in seen and (found := _reference(value, name, folder)):
                    seen.add(id(value))
                    yield found
            elif name != "hints":
                yield from _iter_references(value, folder, seen)


def _reference(node: yaml.ScalarNode, field: str, folder: str) -> Reference | None:
    path, number, fragment = node.value.partition("#")
    if not path or path.startswith("/") or ":" in path or node.style in ("|", ">"):
        return None
    target = posixpath.normpath(posixpath.join(folder, unquote(path) if field in _FILE_FIELDS else path))
    start, end = _offset(node.start_mark), _offset(node.end_mark)
    return Reference(start, end, field, target, number + fragment)


def _offset(mark: Any) -> int:
    return int(mark.index)


def _is_file(node: yaml.Node | None) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in ("File", "Directory")
