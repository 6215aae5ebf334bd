"""Bring the values of a link together: its sources, linkMerge, pickValue and default."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

from airflow_mlcraft.cwl.plan import Json, Link
from airflow_mlcraft.errors import LinkError

ValueOf = Callable[[str], Json]
"""Gives the value of a source: `input` or `step/output`."""


def gather(links: Iterable[Link], value_of: ValueOf) -> dict[str, Json]:
    """The value of each link, before scatter and expressions."""
    return {link.id: value_of_link(link, value_of) for link in links}


def value_of_link(link: Link, value_of: ValueOf) -> Json:
    """The value that one link brings."""
    value = _pick(link, _merge(link, [value_of(source) for source in link.sources]))
    if value is None and link.has_default:
        value = link.default
    # A step may change what it gets; the value that its neighbours get is another.
    return copy.deepcopy(value)


def _merge(link: Link, values: list[Json]) -> Json:
    method = link.link_merge or ("merge_nested" if len(values) > 1 else "")
    if method == "merge_nested":
        return values
    if method == "merge_flattened":
        return [item for value in values for item in (value if isinstance(value, list) else [value])]
    return values[0] if values else None


def _pick(link: Link, value: Json) -> Json:
    if not link.pick_value or not isinstance(value, list):
        return value
    present = [item for item in value if item is not None]
    if link.pick_value == "all_non_null":
        return present
    sources = ", ".join(link.sources)
    if not present:
        raise LinkError(f"{link.id}: pickValue {link.pick_value} expects a value, and all of {sources} are null")
    if link.pick_value == "the_only_non_null" and len(present) > 1:
        raise LinkError(
            f"{link.id}: pickValue the_only_non_null expects one value, and {len(present)} of {sources} are not null"
        )
    return present[0]
