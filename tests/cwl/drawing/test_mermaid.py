from __future__ import annotations

import re

from airflow_mlcraft.cwl.drawing.mermaid import to_mermaid

from .plans import ODD_IDS, build_chain_plan, build_nested_plan, build_plan_with_odd_ids, plan, step

LINE = re.compile(
    r'flowchart TD|\s+n\d+(\(\[|\[)"(?P<label>[^"]*)"(\]\)|\])|\s+subgraph n\d+\["[^"]*"\]|\s+end'
    r"|\s+n\d+ --> n\d+|\s+classDef \w+ [\w:#,\- ]+|\s+class n\d+(,n\d+)* \w+"
)


def test_small() -> None:
    assert to_mermaid(plan(step("train", "data"), inputs=("data",), outputs=("train/out",))).splitlines()[:6] == [
        "flowchart TD",
        '  n0(["data<br/>File"])',
        '  n1["train"]',
        '  n2(["out0"])',
        "  n0 --> n1",
        "  n1 --> n2",
    ]


def test_sub_workflow_is_opened_in_place() -> None:
    text = to_mermaid(build_nested_plan())
    keys = {label.split("<br/>")[0]: key for key, label in re.findall(r'(n\d+)\W+"([^"]*)"', text)}
    assert '["cv<br/>⇶ scatter"]' in text
    assert text.count("subgraph") == text.count("\n  end") == 1
    assert f"  {keys['clean']} --> {keys['i0']}\n" in text
    assert f"  {keys['i0']} --> {keys['split']}\n" in text
    assert f"  {keys['out']} --> {keys['report']}\n" in text


def test_conditional_steps_are_dashed() -> None:
    text = to_mermaid(build_nested_plan())
    (key,) = re.findall(r'(n\d+)\["drift<br/>when"\]', text)
    assert f"class {key} when" in text
    assert "classDef when stroke-dasharray" in text


def test_every_id_is_safe() -> None:
    for line in to_mermaid(build_plan_with_odd_ids()).splitlines():
        found = LINE.fullmatch(line)
        assert found, line
        for part in (found["label"] or "").split("<br/>"):
            assert not re.search(r"[<>`*\[\]()%\"]|^_|^\d+\.", part), line


def test_same_plan_same_text() -> None:
    assert to_mermaid(build_chain_plan(40)) == to_mermaid(build_chain_plan(40))
    assert len(ODD_IDS) == len(build_plan_with_odd_ids().root.steps)
