"""Steps of many tasks, as one thing that starts and ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.cwl.check import compile_plan
from airflow_mlcraft.runner.events import StepProgress, TaskEvent

TEXTS = str(Path(__file__).parents[2] / "cwl" / "workflows" / "text_statistics.cwl")
NESTED = str(Path(__file__).parents[1] / "documents" / "wild" / "nested_five_levels.cwl")


@pytest.fixture
def reported() -> list[tuple[str, str]]:
    return []


def report_events(document: str, reported: list[tuple[str, str]], *events: tuple[str, str, int]) -> StepProgress:
    steps = StepProgress(compile_plan(document), lambda step, state, message: reported.append((step, state)))
    for task, state, left in events:
        steps.on_event(TaskEvent(task, -1, state, 1, None, None, None, 0, 0, left, "why" if state == "failed" else ""))
    return steps


def test_a_scattered_step_ends_with_its_last_item(reported: list[tuple[str, str]]) -> None:
    begun = [("count_words.items", "running", 1), ("count_words.items", "success", 0), ("count_words", "running", 2)]
    report_events(TEXTS, reported, *begun, ("count_words", "success", 1))
    assert reported == [("count_words", "started")]
    reported.clear()
    report_events(TEXTS, reported, *begun, ("count_words", "success", 1), ("count_words", "success", 0))
    assert reported == [("count_words", "started"), ("count_words", "completed")]


def test_a_failed_item_fails_the_step_once(reported: list[tuple[str, str]]) -> None:
    report_events(
        TEXTS,
        reported,
        ("count_words", "failed", 1),
        ("count_words", "failed", 0),
        ("merge_counts", "upstream_failed", 0),
    )
    assert reported == [("count_words", "started"), ("count_words", "failed")]


def test_a_retry_is_not_an_end(reported: list[tuple[str, str]]) -> None:
    report_events(
        TEXTS,
        reported,
        ("merge_counts", "running", 1),
        ("merge_counts", "up_for_retry", 1),
        ("merge_counts", "success", 0),
    )
    assert reported == [("merge_counts", "started"), ("merge_counts", "completed")]


def test_a_workflow_inside_ends_with_all_of_its_tasks(reported: list[tuple[str, str]]) -> None:
    steps = StepProgress(compile_plan(NESTED), lambda step, state, message: reported.append((step, state)))
    tasks = sorted(steps._step_of)
    for task in tasks:
        assert ("completed" not in {state for _, state in reported}) or len({step for step, _ in reported}) > 1
        steps.on_event(TaskEvent(task, -1, "success", 1, None, None, None, 0, 0))
    assert [state for _, state in reported].count("started") == [state for _, state in reported].count("completed") > 0
