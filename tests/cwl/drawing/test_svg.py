from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from airflow_mlcraft.cwl.drawing.svg import to_svg
from airflow_mlcraft.cwl.plan import Plan

from .plans import (
    ODD_IDS,
    build_chain_plan,
    build_gather_plan,
    build_nested_plan,
    build_plan_with_odd_ids,
    plan,
    step,
    tool,
)

SVG = "{http://www.w3.org/2000/svg}"


def tree(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314


def names(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "name"]


def test_everything_is_named_once() -> None:
    root = tree(to_svg(build_nested_plan()))
    assert sorted(names(root)) == sorted(
        [
            "table",
            "clean",
            "grid",
            "cv",
            "i0",
            "i1",
            "split",
            "fit",
            "evaluate",
            "out",
            "drift",
            "report",
            "out0",
        ]
    )
    notes = [text.text for text in root.iter(f"{SVG}text") if text.get("class") == "note"]
    assert {"workflow · ⇶ scatter", "command · when", "expression", "command", "File", "Any"} == set(notes)


def test_tooltips_tell_the_details() -> None:
    titles = {title.text for title in tree(to_svg(build_nested_plan())).iter(f"{SVG}title")}
    assert "Train & compare" in titles
    assert "step clean\nDrops what is <broken>." in titles
    assert "step drift\nwhen: $(inputs.i0 != null)" in titles
    assert "out → i0" in titles
    image = to_svg(plan(step("a", run=tool(container="python:3"))))
    assert "container: python:3" in image


def test_odd_ids_stay_text() -> None:
    text = to_svg(build_plan_with_odd_ids())
    root = tree(text)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "style", "rect", "g", "path", "text",
    }  # fmt: skip
    assert {'a"b', "<script>alert(1)</script>", "数据", "🚀"} <= set(names(root))
    assert len(names(root)) == 3 * len(ODD_IDS)


def test_light_and_dark_without_scripts() -> None:
    text = to_svg(build_nested_plan())
    assert "@media (prefers-color-scheme: dark)" in text
    assert "<script" not in text


def boxes(group: ET.Element, x: float = 0, y: float = 0) -> list[tuple[float, float, float, float]]:
    """The outlines of all nodes that hold no other node."""
    found = []
    for child in group.findall(f"{SVG}g"):
        shift = re.fullmatch(r"translate\((\S+) (\S+)\)", child.get("transform", ""))
        place = (x + float(shift[1]), y + float(shift[2])) if shift else (x, y)
        rect = child.findall(f"{SVG}rect[@class='box']")
        if rect:
            found.append((*place, float(rect[-1].get("width", 0)), float(rect[-1].get("height", 0))))
        found += boxes(child, *place)
    return found


@pytest.mark.parametrize(
    "drawn",
    [build_nested_plan(), build_plan_with_odd_ids(), build_chain_plan(60), build_gather_plan(60)],
    ids=["nested", "odd ids", "chain", "gather"],
)
def test_boxes_stand_apart_and_inside(drawn: Plan) -> None:
    root = tree(to_svg(drawn))
    found = boxes(root)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for index, (x, y, w, h) in enumerate(found):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in found[:index]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize("make", [build_chain_plan, build_gather_plan])
def test_large_plans_in_reasonable_time(make: Callable[[int], Plan]) -> None:
    start = time.perf_counter()
    text = to_svg(make(300))
    assert time.perf_counter() - start < 10
    assert text == to_svg(make(300))


def test_broad_layers_do_not_exhaust_the_stack() -> None:
    assert len(names(tree(to_svg(build_gather_plan(1500))))) == 1502


def test_nothing_to_draw() -> None:
    assert names(tree(to_svg(plan()))) == []
