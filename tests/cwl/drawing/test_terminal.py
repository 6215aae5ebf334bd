from __future__ import annotations

import time
from collections.abc import Callable
from textwrap import dedent

import pytest

from airflow_mlcraft.cwl.drawing.terminal import to_text
from airflow_mlcraft.cwl.drawing.terminal_canvas import columns, shorten
from airflow_mlcraft.cwl.plan import Plan

from .plans import ODD_IDS, build_chain_plan, build_gather_plan, build_nested_plan, build_plan_with_odd_ids, plan, step


def test_a_diamond() -> None:
    steps = (step("a", "x"), step("b", "a/out"), step("c", "a/out"), step("d", "b/out", "c/out"))
    assert to_text(plan(*steps, inputs=("x",)), 80) == dedent("""\
        inputs: x
            ┌───┐
            │ a │
            └─┬─┘
          ┌───┴──┐
          ▼      ▼
        ┌───┐  ┌───┐
        │ b │  │ c │
        └─┬─┘  └─┬─┘
          └─┐ ┌──┘
            ▼ ▼
          ┌─────┐
          │  d  │
          └─────┘
        """)


def test_sub_workflow_is_a_box_around_its_steps() -> None:
    text = to_text(build_nested_plan(), 100)
    assert "│ cv ⇶ scatter" in text
    assert "╎ drift ╎" in text
    for name in ("split", "fit", "evaluate"):
        assert f"│ {name}" in text
    assert text.splitlines()[0] == "inputs: table"
    assert text.splitlines()[-1] == "outputs: out0"


def test_too_narrow_gives_a_list() -> None:
    assert to_text(build_nested_plan(), 24) == dedent("""\
        inputs: table
        • clean ← table
        • grid (expression)
        • cv (workflow)
            (⇶ scatter) ← clean,
            grid
          • split ← i0
          • fit ← i1, split
          • evaluate ← split,
              fit
        • drift (when) ← table,
            clean
        • report ← table, cv,
            drift
        outputs: out0
        """)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize(
    "drawn", [build_nested_plan(), build_chain_plan(30), build_gather_plan(12)], ids=["nested", "chain", "gather"]
)
def test_never_wider_than_asked(drawn: Plan, width: int) -> None:
    assert max(columns(line) for line in to_text(drawn, width).splitlines()) <= width


@pytest.mark.parametrize("drawn", [build_chain_plan(30), build_gather_plan(8)], ids=["chain", "gather"])
def test_lines_meet_where_they_seem_to(drawn: Plan) -> None:
    """A line that leaves a character to one side is taken up by its neighbour there."""
    lines = [line for line in to_text(drawn, 400).splitlines() if not line.startswith(("inputs", "outputs"))]
    for line in lines:
        for before, after in zip(line, line[1:] + " ", strict=True):
            assert (before in "─┌└├┬┴┼") == (after in "─┐┘┤┬┴┼"), line
    for above, below in zip(lines, [*lines[1:], ""], strict=True):
        for upper, lower in zip(above.ljust(400), below.ljust(400), strict=True):
            # An arrow head may end a line on a box: nothing leaves the box upwards to it.
            assert (upper in "│┌┐├┤┬┼") == (lower in "│└┘├┤┴┼▼"), (above, below)


def test_odd_ids() -> None:
    text = to_text(build_plan_with_odd_ids(), 400)
    assert "│ <script>alert(1)</script> │" in text
    assert "│ 数据 │" in text
    assert not {"\x1b", "\x00"} & set(text)
    assert text.count("┌") == len(ODD_IDS)


@pytest.mark.parametrize("make", [build_chain_plan, build_gather_plan])
def test_large_plans_in_reasonable_time(make: Callable[[int], Plan]) -> None:
    start = time.perf_counter()
    text = to_text(make(300), 120)
    assert time.perf_counter() - start < 10
    assert text == to_text(make(300), 120)


def test_columns() -> None:
    assert columns("数据") == 4
    assert columns("e\u0301") == 1
    assert shorten("数据数据", 6) == "数据…"
    assert shorten("short", 5) == "short"


def test_nothing_to_draw() -> None:
    assert to_text(plan(), 80) == "\n"
