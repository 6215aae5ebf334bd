"""A document's text as plain maps, lists and texts, for what only looks at it: fast, nothing resolved or checked.

All scalars stay texts. What is nested too deep or would grow too large by its anchors is refused.
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


class TooMuchError(DocumentError):
    """Values nested so deep, or so many by their anchors, that reading them would harm."""


def glance(text: str, name: str = "") -> Any:
    """The values of a document. Raises a `DocumentError` with a line."""
    with _readable(name):
        _weigh(text, name)
        return yaml.load(text, _loader)  # noqa: S506 - of the loader that makes texts alone


def composed(text: str, name: str = "") -> yaml.Node | None:
    """The same as nodes that know where in the text they stand."""
    with _readable(name):
        _weigh(text, name)
        node: yaml.Node | None = yaml.compose(text, _loader)
        return node


@contextmanager
def _readable(name: str) -> Iterator[None]:
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


def _weigh(text: str, name: str) -> None:
    """Refuse what would fill the stack or the memory, before anything is made of it."""
    sizes: dict[str, int] = {}
    around: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_loader):
        if isinstance(event, CollectionEndEvent):
            anchor, before = around.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, NodeEvent):
            total += sizes.get(event.anchor or "", 1) if isinstance(event, AliasEvent) else 1
            if isinstance(event, ScalarEvent) and event.anchor:
                sizes[event.anchor] = 1
            elif isinstance(event, CollectionStartEvent):
                around.append((event.anchor, total))
            if total > _MAX_NODES or len(around) > _MAX_DEPTH:
                fault = "values nested deeper" if len(around) > _MAX_DEPTH else "more values"
                raise TooMuchError(f"has {fault} than can be shown", path=name, line=_line_of(event))


def _line_of(event: Any) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None
