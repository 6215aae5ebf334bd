"""The items of a scatter, and their outputs in the right shape."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_mlcraft.cwl.plan import Step, ToolRef
from airflow_mlcraft.cwl.scatter import compute_item_inputs, nest_outputs
from airflow_mlcraft.errors import LinkError


def step(*names: str, method: str = "") -> Step:
    return Step(id="say", run=ToolRef("", "CommandLineTool"), scatter=names, scatter_method=method)


AB: dict[str, Any] = {"a": [1, 2], "b": ["x", "y", "z"], "c": "same"}


def pairs(items: Any) -> list[Any]:
    return [(item["a"], item["b"]) for item in items]


@pytest.mark.parametrize(
    ("method", "job", "expected", "shape"),
    [
        ("dotproduct", {"a": [1, 2], "b": ["x", "y"]}, [(1, "x"), (2, "y")], (2,)),
        ("dotproduct", {"a": [], "b": []}, [], (0,)),
        ("flat_crossproduct", AB, [(a, b) for a in (1, 2) for b in "xyz"], (6,)),
        ("flat_crossproduct", {"a": [1], "b": []}, [], (0,)),
        ("nested_crossproduct", AB, [(a, b) for a in (1, 2) for b in "xyz"], (2, 3)),
        ("nested_crossproduct", {"a": [1, 2], "b": []}, [], (2, 0)),
        ("nested_crossproduct", {"a": [], "b": [1, 2]}, [], (0, 2)),
    ],
)
def test_items(method: str, job: dict[str, Any], expected: list[Any], shape: tuple[int, ...]) -> None:
    made = compute_item_inputs(step("a", "b", method=method), job)
    assert (pairs(made.inputs), made.shape) == (expected, shape)


def test_one_array_and_what_is_not_scattered() -> None:
    made = compute_item_inputs(step("a"), AB)
    assert list(made.inputs) == [
        {"a": 1, "b": ["x", "y", "z"], "c": "same"},
        {"a": 2, "b": ["x", "y", "z"], "c": "same"},
    ]


def test_null_items_are_items() -> None:
    assert [item["a"] for item in compute_item_inputs(step("a"), {"a": [None, 1, None]}).inputs] == [None, 1, None]


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"a": [1, 2], "b": [1]}, ["say", "one length", "a has 2", "b has 1"]),
        ({"a": [1], "b": None}, ["say", "array for b", "null"]),
        ({"a": [1], "b": "text"}, ["array for b", "str"]),
        ({"a": [1]}, ["array for b", "null"]),
    ],
)
def test_what_cannot_be_scattered(job: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(LinkError) as caught:
        compute_item_inputs(step("a", "b", method="dotproduct"), job)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((6,), [0, 1, 2, 3, 4, 5]),
        ((2, 3), [[0, 1, 2], [3, 4, 5]]),
        ((3, 1, 2), [[[0, 1]], [[2, 3]], [[4, 5]]]),
        ((0,), []),
        ((2, 0), [[], []]),
        ((0, 2), []),
        ((2, 0, 3), [[], []]),
    ],
)
def test_regroup(shape: tuple[int, ...], expected: list[Any]) -> None:
    assert nest_outputs(shape, list(range(6)) if 0 not in shape else []) == expected
