"""Which steps of a plan are fused, and documents whose hint cannot hold."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.fuse import FuseMode, iterate_fused_paths
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.errors import DocumentError

DOCUMENTS = Path(__file__).parents[1] / "documents" / "fused"


def build_plan(document: Path, folder: Path, mode: FuseMode = "hinted") -> Plan:
    return PlanCache(folder / "cache", fuse=mode, allow_development=True).get_plan(document)


def write_document(folder: Path, *, step_hint: str = "", workflow_hints: object = None, fuse: object = None) -> Path:
    """A workflow with a scattered step, which has the hint `mlcraft:Fuse`, and one more hint."""
    document = yaml.safe_load((DOCUMENTS / "hinted.cwl").read_text())
    document["steps"]["write"]["hints"] = {"mlcraft:Fuse": fuse or {}}
    if step_hint:
        document["steps"]["both"]["run"]["steps"]["raise"]["hints"] = {step_hint: {}}
    if workflow_hints:
        document["hints"] = workflow_hints
    path = folder / "document.cwl"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("mode", "fused"), [("off", []), ("hinted", ["write", "both"]), ("all", ["steps"])], ids=["off", "hinted", "all"]
)
def test_modes(tmp_path: Path, mode: FuseMode, fused: list[str]) -> None:
    plan = build_plan(DOCUMENTS / "hinted.cwl", tmp_path, mode)
    assert list(iterate_fused_paths(plan.root)) == fused
    assert Plan.from_json(plan.to_json(), digest=plan.digest, base=plan.base) == plan


def test_each_mode_is_another_plan(tmp_path: Path) -> None:
    plans = [build_plan(DOCUMENTS / "hinted.cwl", tmp_path, mode) for mode in ("off", "hinted", "all")]
    assert len({plan.digest for plan in plans}) == 3
    assert build_plan(DOCUMENTS / "hinted.cwl", tmp_path, "all").digest == plans[2].digest, "from the cache"


def test_a_loop_is_fused_in_each_mode(tmp_path: Path) -> None:
    assert list(iterate_fused_paths(build_plan(DOCUMENTS / "loop.cwl", tmp_path, "off").root)) == ["append"]


def test_a_step_with_a_task_of_its_own_keeps_it(tmp_path: Path) -> None:
    document = write_document(tmp_path, step_hint="mlcraft:Task")
    with pytest.raises(DocumentError, match="Fuse of both: both/raise has the hint mlcraft:Task, which needs a task"):
        build_plan(document, tmp_path)
    text = document.read_text().replace("  both:\n    hints:\n      mlcraft:Fuse: {}\n", "  both:\n")
    document.write_text(text)
    assert list(iterate_fused_paths(build_plan(document, tmp_path, "all").root)) == ["write"]


def test_the_whole_workflow_by_a_hint(tmp_path: Path) -> None:
    document = write_document(tmp_path, workflow_hints={"mlcraft:Fuse": {}, "mlcraft:Dag": {"tags": ["a"]}})
    plan = build_plan(document, tmp_path)
    assert list(iterate_fused_paths(plan.root)) == ["steps"]
    assert {link.id for link in plan.root.outputs} == {"lines", "upper", "total"}


def test_fields_of_the_hint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="hint mlcraft:Fuse of write has the field streams; it has none"):
        build_plan(write_document(tmp_path, fuse={"streams": True}), tmp_path)


def test_a_single_tool_is_refused(tmp_path: Path) -> None:
    document = yaml.safe_load((DOCUMENTS / "hinted.cwl").read_text())
    document["steps"]["join"]["hints"] = {"mlcraft:Fuse": {}}
    path = tmp_path / "document.cwl"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(DocumentError, match="hint mlcraft:Fuse of join: it is a single tool, and already one task"):
        build_plan(path, tmp_path)


def test_inputs_of_a_loop_need_their_requirements(tmp_path: Path) -> None:
    text = (DOCUMENTS / "loop.cwl").read_text().replace(", StepInputExpressionRequirement: {}", "")
    path = tmp_path / "document.cwl"
    path.write_text(text)
    with pytest.raises(DocumentError, match="the loop's input number needs the requirement StepInputExpression"):
        build_plan(path, tmp_path)
