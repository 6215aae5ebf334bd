"""How sources, linkMerge, pickValue and default come together; the same by cwltool is in tests/operators."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.cwl.plan import Link
from airflow_mlcraft.cwl.step_inputs import resolve_link, resolve_links
from airflow_mlcraft.errors import LinkError

VALUES: dict[str, Any] = {
    "one": 1,
    "two": 2,
    "null": None,
    "list": [3, 4],
    "holes": [None, 5, None],
    "empty": [],
    "step/false": False,
    "nulls": [None, None],
    "zero": 0,
}

TABLE: list[tuple[Link, Any]] = [
    (Link("i", ("one",)), 1),
    (Link("i", ("step/false",)), False),
    (Link("i"), None),
    (Link("i", default=7, has_default=True), 7),
    (Link("i", ("null",), default=7, has_default=True), 7),
    (Link("i", ("zero",), default=7, has_default=True), 0),
    (Link("i", ("step/false",), default=7, has_default=True), False),
    (Link("i", ("null",), default=None, has_default=True), None),
    (Link("i", ("one", "two")), [1, 2]),
    (Link("i", ("one", "null", "list")), [1, None, [3, 4]]),
    (Link("i", ("one",), link_merge="merge_nested"), [1]),
    (Link("i", ("list",), link_merge="merge_nested"), [[3, 4]]),
    (Link("i", ("list", "one"), link_merge="merge_flattened"), [3, 4, 1]),
    (Link("i", ("one",), link_merge="merge_flattened"), [1]),
    (Link("i", ("empty", "empty"), link_merge="merge_flattened"), []),
    (Link("i", ("null", "one", "two"), pick_value="first_non_null"), 1),
    (Link("i", ("holes",), pick_value="first_non_null"), 5),
    (Link("i", ("null", "two"), pick_value="the_only_non_null"), 2),
    (Link("i", ("null", "one", "null", "two"), pick_value="all_non_null"), [1, 2]),
    (Link("i", ("holes",), pick_value="all_non_null"), [5]),
    (Link("i", ("nulls",), pick_value="all_non_null"), []),
    (Link("i", ("holes", "list"), link_merge="merge_flattened", pick_value="all_non_null"), [5, 3, 4]),
    (Link("i", ("null", "step/false"), pick_value="first_non_null"), False),
]


@pytest.mark.parametrize(("link", "expected"), TABLE)
def test_values(link: Link, expected: Any) -> None:
    assert resolve_link(link, VALUES.__getitem__) == expected


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (Link("i", ("nulls",), pick_value="first_non_null"), ["i: ", "first_non_null", "nulls are null"]),
        (Link("i", ("null", "null"), pick_value="the_only_non_null"), ["expects a value", "null, null"]),
        (Link("i", ("one", "two"), pick_value="the_only_non_null"), ["expects one value", "2 of one, two"]),
    ],
)
def test_what_cannot_be_picked(link: Link, words: list[str]) -> None:
    with pytest.raises(LinkError) as caught:
        resolve_link(link, VALUES.__getitem__)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_step_cannot_change_what_its_neighbours_get() -> None:
    shared = {"file": {"class": "File", "location": "x"}}
    got = resolve_links([Link("a", ("file",)), Link("b", ("file",))], shared.__getitem__)
    got["a"]["location"] = "changed"
    assert got["b"]["location"] == shared["file"]["location"] == "x"
