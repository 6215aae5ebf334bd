"""Tests of the sandbox process: it is restarted after a crash, and has no access beyond its limits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.library import sandbox as module
from airflow_mlcraft.library.folder import DocumentFolder
from airflow_mlcraft.library.problems import find_problems
from airflow_mlcraft.library.sandbox import DocumentAccess, FaultsError, Sandbox
from airflow_mlcraft.plugin.web.document_folder import document_access as reading_of
from airflow_mlcraft.project.user_dirs import find_shipped

TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
def document_access(tmp_path: Path) -> DocumentAccess:
    return DocumentAccess([tmp_path], cache=tmp_path / "cache")


def test_a_text_that_lies_nowhere(sandbox: Sandbox, tmp_path: Path, document_access: DocumentAccess) -> None:
    (plan,) = sandbox.compile(tmp_path / "a.cwl", TOOL, document_access)
    assert plan.kind == "CommandLineTool"
    assert not list(tmp_path.iterdir())


def test_what_is_saved_is_ready_for_airflow(sandbox: Sandbox, tmp_path: Path, document_access: DocumentAccess) -> None:
    path = tmp_path / "a.cwl"
    path.write_text(TOOL)
    (plan,) = sandbox.compile(path, None, document_access, keep=True)
    ready = PlanCache(document_access.cache).get_cached(path)
    assert ready is not None
    assert ready.digest == plan.digest


def test_a_packed_document_has_several_plans(sandbox: Sandbox, tmp_path: Path, document_access: DocumentAccess) -> None:
    tools = "".join(
        f"- {{id: {name}, class: CommandLineTool, baseCommand: echo, inputs: [], outputs: []}}\n" for name in ("a", "b")
    )
    path = tmp_path / "packed.cwl"
    path.write_text(f"cwlVersion: v1.2\n$graph:\n{tools}")
    assert find_problems(sandbox, path, path.read_text(), "packed", document_access, keep=True) == []
    assert len(sandbox.compile(path, None, document_access)) == 2


def test_it_starts_anew_when_it_was_ended(sandbox: Sandbox, tmp_path: Path, document_access: DocumentAccess) -> None:
    sandbox.compile(tmp_path / "a.cwl", TOOL, document_access)
    process = sandbox._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert sandbox.compile(tmp_path / "a.cwl", TOOL, document_access)


def test_a_document_that_never_ends_is_given_up(
    tmp_path: Path, document_access: DocumentAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Sandbox()
    slow.compile(tmp_path / "a.cwl", TOOL, document_access)
    assert slow._process is not None
    os.kill(slow._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "_MAX_SECONDS", 0.5)
    with pytest.raises(FaultsError, match=r"was given up after 0\.5 seconds"):
        slow.compile(tmp_path / "a.cwl", TOOL, document_access)
    slow.close()


def test_it_has_no_secrets(
    sandbox: Sandbox, tmp_path: Path, document_access: DocumentAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.close()
    monkeypatch.setenv("A_SECRET_OF_THE_SERVER", "hidden")
    sandbox.compile(tmp_path / "a.cwl", TOOL, document_access)
    assert sandbox._process is not None
    environment = Path(f"/proc/{sandbox._process.pid}/environ")
    if environment.exists():
        assert b"hidden" not in environment.read_bytes()


def test_shipped_documents_are_read(sandbox: Sandbox, tmp_path: Path) -> None:
    tool = find_shipped("tools", "count_words.cwl").resolve()
    text = (
        "cwlVersion: v1.2\nclass: Workflow\ninputs: {files: 'File[]'}\noutputs: []\n"
        f"steps: {{a: {{run: {tool}, in: {{files: files}}, out: []}}}}\n"
    )
    given = reading_of(DocumentFolder(tmp_path))
    found = find_problems(
        sandbox, tmp_path / "w.cwl", text, "w", DocumentAccess(given.allowed_folders, cache=tmp_path / "cache")
    )
    assert "outside of" not in str(found)
    (problem,) = find_problems(sandbox, tmp_path / "w.cwl", text, "w", DocumentAccess([tmp_path]))
    assert "outside of the documents folder" in problem.message


@pytest.mark.parametrize("link", [False, True])
def test_files_of_elsewhere_are_not_read(sandbox: Sandbox, tmp_path: Path, link: bool) -> None:
    (tmp_path / "secret.cwl").write_text(TOOL)
    folder = tmp_path / "cwl"
    folder.mkdir()
    (folder / "link.cwl").symlink_to(tmp_path / "secret.cwl")
    run = "link.cwl" if link else "../secret.cwl"
    text = (
        f"cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\nsteps: {{a: {{run: {run}, in: [], out: []}}}}\n"
    )
    (problem,) = find_problems(sandbox, folder / "w.cwl", text, "w", DocumentAccess([folder]))
    assert "outside of the documents folder" in problem.message
    assert (problem.line, problem.step) == (5, "a")
