"""The process that reads documents: it is not brought down for long, and it reads nothing that it should not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.library import sandbox as module
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.problems import check
from airflow_mlcraft.library.sandbox import FaultsError, Reading, Workshop
from airflow_mlcraft.plugin.web.document_folder import reading as reading_of
from airflow_mlcraft.project.user_dirs import find_shipped

TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\n"


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    made = Workshop()
    yield made
    made.close()


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading([tmp_path], cache=tmp_path / "cache")


def test_a_text_that_lies_nowhere(workshop: Workshop, tmp_path: Path, reading: Reading) -> None:
    (plan,) = workshop.plans(tmp_path / "a.cwl", TOOL, reading)
    assert plan.kind == "CommandLineTool"
    assert not list(tmp_path.iterdir())


def test_what_is_saved_is_ready_for_airflow(workshop: Workshop, tmp_path: Path, reading: Reading) -> None:
    path = tmp_path / "a.cwl"
    path.write_text(TOOL)
    (plan,) = workshop.plans(path, None, reading, keep=True)
    ready = PlanCache(reading.cache).get_cached(path)
    assert ready is not None
    assert ready.digest == plan.digest


def test_a_packed_document_has_several_plans(workshop: Workshop, tmp_path: Path, reading: Reading) -> None:
    tools = "".join(
        f"- {{id: {name}, class: CommandLineTool, baseCommand: echo, inputs: [], outputs: []}}\n" for name in ("a", "b")
    )
    path = tmp_path / "packed.cwl"
    path.write_text(f"cwlVersion: v1.2\n$graph:\n{tools}")
    assert check(workshop, path, path.read_text(), "packed", reading, keep=True) == []
    assert len(workshop.plans(path, None, reading)) == 2


def test_it_starts_anew_when_it_was_ended(workshop: Workshop, tmp_path: Path, reading: Reading) -> None:
    workshop.plans(tmp_path / "a.cwl", TOOL, reading)
    process = workshop._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert workshop.plans(tmp_path / "a.cwl", TOOL, reading)


def test_a_document_that_never_ends_is_given_up(
    tmp_path: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Workshop()
    slow.plans(tmp_path / "a.cwl", TOOL, reading)
    assert slow._process is not None
    os.kill(slow._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "_LIMIT", 0.5)
    with pytest.raises(FaultsError, match=r"was given up after 0\.5 seconds"):
        slow.plans(tmp_path / "a.cwl", TOOL, reading)
    slow.close()


def test_it_has_no_secrets(
    workshop: Workshop, tmp_path: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.close()
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "hidden")
    workshop.plans(tmp_path / "a.cwl", TOOL, reading)
    assert workshop._process is not None
    environment = Path(f"/proc/{workshop._process.pid}/environ")
    if environment.exists():
        assert b"hidden" not in environment.read_bytes()


def test_shipped_documents_are_read(workshop: Workshop, tmp_path: Path) -> None:
    tool = find_shipped("tools", "count_words.cwl").resolve()
    text = (
        "cwlVersion: v1.2\nclass: Workflow\ninputs: {files: 'File[]'}\noutputs: []\n"
        f"steps: {{a: {{run: {tool}, in: {{files: files}}, out: []}}}}\n"
    )
    given = reading_of(DocumentFolder(tmp_path))
    found = check(workshop, tmp_path / "w.cwl", text, "w", Reading(given.allowed_folders, cache=tmp_path / "cache"))
    assert "outside of" not in str(found)
    (problem,) = check(workshop, tmp_path / "w.cwl", text, "w", Reading([tmp_path]))
    assert "outside of the documents folder" in problem.message


@pytest.mark.parametrize("link", [False, True])
def test_files_of_elsewhere_are_not_read(workshop: Workshop, tmp_path: Path, link: bool) -> None:
    (tmp_path / "secret.cwl").write_text(TOOL)
    folder = tmp_path / "cwl"
    folder.mkdir()
    (folder / "link.cwl").symlink_to(tmp_path / "secret.cwl")
    run = "link.cwl" if link else "../secret.cwl"
    text = (
        f"cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\nsteps: {{a: {{run: {run}, in: [], out: []}}}}\n"
    )
    (problem,) = check(workshop, folder / "w.cwl", text, "w", Reading([folder]))
    assert "outside of the documents folder" in problem.message
    assert (problem.line, problem.step) == (5, "a")
