"""What documents come to, run as DAGs and by cwltool: the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.operators.embedded import DOCUMENTS, fork_server, names_and_texts

TEXT = {"class": "File", "location": (DOCUMENTS / "count_lines" / "three_lines.txt").as_uri()}


def run_and_compare(folder: Path, document: str, job: Any = None) -> Any:
    ran = fork_server().run(folder / "airflow", document, job)
    outputs = names_and_texts(ran.ok())
    assert outputs == names_and_texts(fork_server().cwltool(folder / "cwltool", document, job))
    return ran, outputs


def test_count_lines(tmp_path: Path) -> None:
    ran, outputs = run_and_compare(tmp_path, "count_lines/count_lines.cwl", {"text": TEXT})
    assert outputs == {"count": 3, "printed": ["count.txt", "3\n"]}
    assert list(ran.states) == ["inputs", "count", "read", "outputs"]
    log = ran.log("count")
    assert "wc" in log and "-l" in log, "the command line"
    assert "exit code 0" in log and "cores" in log
    printed = ran.outputs["printed"]
    assert Path(printed["location"].removeprefix("file://")) == tmp_path / "airflow" / "out" / "count.txt"
    digest = hashlib.sha1(b"3\n").hexdigest()
    assert (printed["checksum"], printed["size"]) == ("sha1$" + digest, 2)


def test_links(tmp_path: Path) -> None:
    _, outputs = run_and_compare(tmp_path, "links.cwl")
    assert outputs["nested"] == ["a", None, ["x", "y"]]
    assert outputs["from_output"] == ["a", "b"]


def test_scatter(tmp_path: Path) -> None:
    ran, outputs = run_and_compare(tmp_path, "scatter.cwl")
    assert outputs == {
        "single": ["a-fixed", "b-fixed"],
        "dot": ["a-1", "b-2"],
        "flat": ["a-x", "a-y", "a-z", "b-x", "b-y", "b-z"],
        "nested": [["a-x", "a-y", "a-z"], ["b-x", "b-y", "b-z"]],
        "empty": [],
        "empty_inside": [[], []],
        "computed": ["aa-2a", "bb-2b"],
    }
    assert {"0 · a", "1 · b", "1 · a · y"} <= set(ran.names), "items are called by what they stand for"
    assert len([name for name in ran.states if name.startswith("nested[")]) == 6


def test_arrays_of_unequal_length(tmp_path: Path) -> None:
    ran = fork_server().run(tmp_path, "scatter.cwl", {"digits": [1, 2, 3]})
    assert ran.state == "failed"
    assert (
        "step dot: a dotproduct scatter expects arrays of one length, and left has 2, right has 3"
        in ran.error_messages()
    )


def test_a_scatter_over_a_sub_workflow(tmp_path: Path) -> None:
    ran, outputs = run_and_compare(tmp_path, "scatter_subworkflow.cwl")
    assert outputs["shouted"] == [["one.txt", "one!\n"], None, ["three.txt", "three!\n"]]
    assert (outputs["sizes"], outputs["all"]) == ([5, None, 7], "one!\nthree!\n")
    assert (ran.states["each.shout[1]"], ran.states["each.measure[1]"]) == ("skipped", "skipped")
    assert ran.states["each.measure[2]"] == "success"


def test_a_scatter_over_a_sub_workflow_of_nothing(tmp_path: Path) -> None:
    _, outputs = run_and_compare(tmp_path, "scatter_subworkflow.cwl", {"words": []})
    assert (outputs["shouted"], outputs["sizes"]) == ([], [])


def test_a_scatter_of_which_all_is_left_out(tmp_path: Path) -> None:
    _, outputs = run_and_compare(tmp_path, "scatter_subworkflow.cwl", {"words": ["x", "x"], "left_out": "x"})
    assert outputs["sizes"] == [None, None]


@pytest.mark.parametrize("rows", [None, [], [[]], [[[]]], [[["a"]]], [[["a", "f"], ["f", "f"]], [[], ["f"]]]])
def test_scatters_three_deep(tmp_path: Path, rows: Any) -> None:
    _, outputs = run_and_compare(tmp_path, "scatter_deep.cwl", {} if rows is None else {"rows": rows})
    if rows is None:
        assert outputs["deep"] == [[["a!", "b!"], None], [], [None, [], ["e!", None, "g!"]]]
        assert outputs["flat_words"] == [2, 0, 3]


def test_skipped(tmp_path: Path) -> None:
    ran, outputs = run_and_compare(tmp_path, "conditions.cwl")
    assert outputs == {
        "maybe": None,
        "inside": None,
        "either": "said always",
        "after": "said said always",
        "holes": ["said 1", None, "said 3"],
        "held": ["said 1", "said 3"],
    }
    skipped = {name for name, state in ran.states.items() if state == "skipped"}
    assert skipped == {"maybe", "inside.inputs", "inside.first", "inside.second", "some[1]"}


def test_not_skipped(tmp_path: Path) -> None:
    """Then two values are there where one is expected, which cwltool refuses too."""
    ran = fork_server().run(tmp_path, "conditions.cwl", {"wanted": True})
    assert ran.state == "failed"
    assert "step after: text: pickValue the_only_non_null expects one value" in ran.error_messages()
    assert ran.states["inside.second"] == "success"
    assert [failure["task_id"] for failure in ran.failed] == ["after"]


def test_a_packed_document_and_a_bare_tool(tmp_path: Path) -> None:
    _, outputs = run_and_compare(tmp_path / "packed", "packed.cwl", {"word": "hello"})
    assert outputs == {"heard": ["shout.txt", "hello\n"]}
    ran, outputs = run_and_compare(tmp_path / "bare", "echo.cwl", {"word": "50% $HOME 'q'", "name": "a b.txt"})
    assert outputs == {"echoed": ["a b.txt", "50% $HOME 'q'\n"]}
    assert list(ran.states) == ["inputs", "echo", "outputs"]


def test_records(tmp_path: Path) -> None:
    job = {"friend": {"name": "Ann", "photo": TEXT}, "likes": "green", "numbers": [1]}
    _, outputs = run_and_compare(tmp_path, "records.cwl", job)
    assert outputs == {"shown": ["Ann.txt", "one\ntwo\nthree\n"]}
