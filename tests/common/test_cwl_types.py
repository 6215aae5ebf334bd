"""CWL types as pages show them."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.common.cwl_types import array_of, is_optional, shorten_type


@pytest.mark.parametrize(
    ("cwl_type", "shown"),
    [
        ("File", "File"),
        ("File[]?", "File[]?"),
        (["null", "string"], "string?"),
        (["string", "null"], "string?"),
        ({"type": "array", "items": "int"}, "int[]"),
        (["null", {"type": "array", "items": {"type": "array", "items": "File"}}], "File[][]?"),
        ({"type": "array", "items": ["null", "File"]}, {"type": "array", "items": "File?"}),
        (["int", "string"], ["int", "string"]),
        (
            {
                "type": "enum",
                "name": "file:///x.cwl#in/manner",
                "symbols": ["file:///x.cwl#in/manner/kindly", "loudly"],
            },
            {"type": "enum", "name": "manner", "symbols": ["kindly", "loudly"]},
        ),
        (
            {"type": "record", "fields": {"a": "string", "b": {"type": ["null", "int"]}}},
            {"type": "record", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int?"}]},
        ),
        ({"type": "string"}, "string"),
        (["null"], "null"),
    ],
)
def test_short_types(cwl_type: Any, shown: Any) -> None:
    assert shorten_type(cwl_type) == shown


def test_lists_of_types() -> None:
    assert array_of("File", 2) == "File[][]"
    assert array_of("File?") == {"type": "array", "items": "File?"}
    assert [is_optional(each) for each in ("File?", "null", ["null", "int", "string"], "File", "File[]")] == [
        True,
        True,
        True,
        False,
        False,
    ]
