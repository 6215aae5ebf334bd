"""Ctrl-C in the middle of verbs: it is said, nothing goes on, and nothing half-done stays."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.project.projects import Workspace, processes_of
from tests.versioning.repositories import git

TIME_LIMIT = 90


def interrupt_when(process: subprocess.Popen[str], when: Callable[[], object]) -> str:
    """Send Ctrl-C once something is so; gives what the command said on stderr."""
    ending = time.monotonic() + TIME_LIMIT
    while not when():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ending
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=TIME_LIMIT)
    # A shell says 130 of both: Python ends by the signal itself where it was met while code was compiled from a text.
    assert process.returncode in (130, -signal.SIGINT), err
    assert "mlcraft: interrupted; nothing half-done was left" in err
    assert "Traceback" not in err
    return err


def test_init(workspace: Workspace) -> None:
    root = workspace.projects.root
    interrupt_when(
        workspace.start("init", "iris", "-p", "classification"),
        lambda: list(root.glob(".mlcraft/new-*/iris/*.py")),
    )
    assert [path for path in root.rglob("*") if path.is_file()] == []
    assert workspace.mlcraft("init", "iris", "-p", "classification").code == 0


def test_train(trained_copy: Workspace) -> None:
    project = trained_copy.project()
    champion = (project.champion / "model.json").read_bytes()
    commit = git(project.folder, "rev-parse", "main").strip()
    (project.folder / "processor.py").write_text(
        "import pathlib, time\n\n\ndef process(frame, **params):\n"
        f"    pathlib.Path({str(trained_copy.folder / 'begun')!r}).touch()\n    time.sleep(600)\n"
    )
    interrupt_when(trained_copy.start("train", "iris", "-m", "naive_bayes"), (trained_copy.folder / "begun").exists)
    assert (project.champion / "model.json").read_bytes() == champion
    # The code that was to run is committed before the run, and nothing of the run after it.
    log = git(project.folder, "log", "--format=%H", f"{commit}..main").split()
    assert len(log) == 1
    assert git(project.folder, "show", "--format=", "--name-only", log[0]).split() == ["processor.py"]
    runs = trained_copy.mlcraft("history", "iris", "--json").json()
    assert [run["state"] for run in runs] == ["success", "killed"]
    assert runs[-1]["error"] == "it was interrupted"
    assert list_command_lines(trained_copy.folder) == []


def test_impl(trained_copy: Workspace) -> None:
    """The editor may have its own idea of Ctrl-C; ours are the file and the exit."""
    project = trained_copy.project()
    text = f"open({str(trained_copy.folder / 'begun')!r}, 'w')\nimport time\ntime.sleep(600)\n"
    (project.folder / "processor.py").write_text(text)
    interrupt_when(trained_copy.start("impl", "iris", "processor", "--no-edit"), (trained_copy.folder / "begun").exists)
    assert (project.folder / "processor.py").read_text() == text


def test_run(trained_copy: Workspace) -> None:
    deployment = trained_copy.project().deployments / "iris"
    interrupt_when(trained_copy.start("run", "iris", "--detach"), deployment.exists)
    assert trained_copy.mlcraft("status", "iris").code == 3
    assert list_command_lines(trained_copy.folder) == []
    assert trained_copy.mlcraft("run", "iris", "--detach").code == 0
    assert trained_copy.mlcraft("stop", "iris").code == 0


@pytest.mark.parametrize("words", [["predict", "iris", "data/test.parquet"], ["list"], ["config", "iris", "-t", "X"]])
def test_at_any_moment(trained_copy: Workspace, words: list[str]) -> None:
    """Early ones find Python itself still starting; whatever is found, the project is as good as before."""
    for wait in (0.1, 0.3):
        process = trained_copy.start(*words)
        time.sleep(wait)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=TIME_LIMIT)
    assert "iris" in trained_copy.mlcraft("doctor").out
    assert trained_copy.mlcraft("list", "--json").json()[0]["fault"] == ""


def list_command_lines(folder: Path) -> list[str]:
    """The command lines that have this folder in them, but for the one that sends to MLflow and then ends."""
    return [line for line in processes_of(folder).values() if "tracking.spool.sender" not in line]
