"""Fast reading of a document as maps, lists and texts. References are not resolved, and nothing is validated.

All scalars stay texts. Values nested too deep, or multiplied too often by anchors, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
    ScalarEvent,
)

from airflow_mlcraft.errors import DocumentError

_MAX_DEPTH = 100
_MAX_NODES = 500_000


class YamlLimitError(DocumentError):
    """Values nested too deep, or too many by their anchors, to be read safely."""


def load_shallow(text: str, name: str = "") -> Any:
    """Load the values of a document. Raises `DocumentError` with a line."""
    with _readable_errors(name):
        _check_limits(text, name)
        return yaml.load(text, _loader)  # noqa: S506 - the loader creates only texts


def compose_nodes(text: str, name: str = "") -> yaml.Node | None:
    """Compose the YAML nodes of a document, with their positions. Raises `DocumentError` with a line."""
    with _readable_errors(name):
        _check_limits(text, name)
        node: yaml.Node | None = yaml.compose(text, _loader)
        return node


@contextmanager
def _readable_errors(name: str) -> Iterator[None]:
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(
            f"is not YAML: {error.problem or error.context}",
            path=name,
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise DocumentError(f"is not YAML: {' '.join(str(error).split())}", path=name) from None


_loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def _check_limits(text: str, name: str) -> None:
    """Raise YamlLimitError for a text that would exhaust the stack or the memory, before it is loaded."""
    sizes: dict[str, int] = {}
    open_collections: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_loader):
        if isinstance(event, CollectionEndEvent):
            anchor, start_total = open_collections.pop()
            if anchor:
                sizes[anchor] = total - start_total
        elif isinstance(event, NodeEvent):
            total += sizes.get(event.anchor or "", 1) if isinstance(event, AliasEvent) else 1
            if isinstance(event, ScalarEvent) and event.anchor:
                sizes[event.anchor] = 1
            elif isinstance(event, CollectionStartEvent):
                open_collections.append((event.anchor, total))
            if total > _MAX_NODES or len(open_collections) > _MAX_DEPTH:
                fault = "values nested deeper" if len(open_collections) > _MAX_DEPTH else "more values"
                raise YamlLimitError(f"has {fault} than can be shown", path=name, line=_line_of(event))


def _line_of(event: Any) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None
