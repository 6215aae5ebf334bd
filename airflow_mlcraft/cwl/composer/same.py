"""Whether a document already says what its form would: one source or a list of one, a step's ports in any order."""

from __future__ import annotations

import json

from airflow_mlcraft.cwl.plan import Json

_LISTS = {"source", "outputSource", "scatter"}
_UNORDERED = {"requirements", "hints", "in", "out"}


def is_same(document: Json, form: Json) -> bool:
    """Whether a document can stay as it is."""
    return bool(_usual(document) == _usual(form))


def _usual(node: Json) -> Json:
    if isinstance(node, list):
        return [_usual(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: _usual(item) for key, item in node.items() if not (key in _UNORDERED and item in (None, []))}
    for key in _LISTS & made.keys():
        made[key] = made[key] if isinstance(made[key], list) else [made[key]]
    for key in _UNORDERED & made.keys():
        if isinstance(made[key], list):
            made[key] = sorted(made[key], key=lambda each: json.dumps(each, sort_keys=True))
    return made
