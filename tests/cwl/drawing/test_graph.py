"""Large workflows are drawn with their sub-workflows closed."""

from __future__ import annotations

from airflow_mlcraft.cwl.drawing.graph import count_levels, count_steps, find_readable_depth, fold_workflows
from airflow_mlcraft.cwl.drawing.mermaid import describe_exceeded_limit, to_mermaid
from airflow_mlcraft.cwl.drawing.terminal import to_text
from airflow_mlcraft.cwl.plan import Link, Plan, Port, Step, ToolRef, Workflow


def workflow(*steps: Step, name: str = "w") -> Workflow:
    return Workflow(name, (Port("a", "string"),), (), steps)


def step(number: int, run: ToolRef | Workflow | None = None) -> Step:
    return Step(f"s{number}", run or ToolRef("", "CommandLineTool"), (Link("a", ("a",)),), ("out",))


def plan(root: Workflow) -> Plan:
    return Plan("0", root, "w.cwl", "Workflow", "v1.2")


INNER = workflow(*(step(number) for number in range(60)), name="inner")
LARGE = plan(workflow(step(1), step(2, INNER), step(3, workflow(step(4, INNER), name="middle"))))


def test_as_many_levels_as_can_be_read() -> None:
    assert count_levels(LARGE.root) == 3
    assert [count_steps(LARGE.root, depth) for depth in (1, 2, 3)] == [3, 62, 121]
    assert find_readable_depth(LARGE) == 2
    assert find_readable_depth(plan(INNER)) == 1
    assert find_readable_depth(plan(workflow(step(1, workflow(step(2)))))) == 2, "small ones are opened"


def test_a_closed_workflow_says_what_is_in_it() -> None:
    text = to_text(fold_workflows(LARGE, 1), 100)
    assert "workflow of 60 steps" in text
    assert "s59" not in text
    assert to_mermaid(fold_workflows(LARGE, 1)).count(" --> ") == 3
    assert fold_workflows(LARGE, 3) == LARGE


def test_the_limits_of_mermaid_are_said() -> None:
    many = plan(workflow(*(step(number) for number in range(500))))
    assert "the chart has 500 edges, and Mermaid draws fewer than 500" in describe_exceeded_limit(to_mermaid(many))
    assert describe_exceeded_limit(to_mermaid(fold_workflows(LARGE, 2))) == ""
