"""`mlcraft prune`, as a user types it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.project.projects import Workspace


def create_old_run(workspace: Workspace) -> Path:
    """The outputs of a run of long ago."""
    folder = workspace.project().runs / "train_2020-01-01_00-00-00_abcd"
    folder.mkdir(parents=True)
    (folder / "big.csv").write_bytes(b"x" * 5000)
    for path in (folder / "big.csv", folder):
        os.utime(path, (0, time.time() - 40 * 86400))
    return folder


def test_it_shows_first_and_deletes_when_told_to(trained_copy: Workspace) -> None:
    folder = create_old_run(trained_copy)
    shown = trained_copy.mlcraft("prune")
    assert shown.code == 0, shown.err
    assert "Nothing was deleted: --yes does it." in shown.out
    assert folder.exists()
    found = trained_copy.mlcraft("prune", "--json").json()
    assert [one["places"] for one in found] == ["iris", "shared by projects"]
    assert found[0]["kinds"]["outputs of runs"]["to_delete"] == 1
    assert found[0]["bytes"] == 5000
    done = trained_copy.mlcraft("prune", "--yes")
    assert "✓ 5.0 kB of " in done.out
    assert not folder.exists()
    # What the last training made is still there for `evaluate` and `predict`.
    assert trained_copy.mlcraft("evaluate", "iris", "acc").code == 0
    assert trained_copy.mlcraft("prune", "--yes", "--json").json()[0]["bytes"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--older-than", "soon"), "the age is 'soon'; expected a number with h, d or w, as 30d"),
        (("--keep", "much"), "the size is 'much'; expected a number with MB, GB or TB, as 20GB"),
    ],
)
def test_limits_that_are_none(trained_copy: Workspace, arguments: tuple[str, str], said: str) -> None:
    shown = trained_copy.mlcraft("prune", *arguments)
    assert shown.code == 1
    assert said in " ".join(shown.err.split())


def test_without_projects(workspace: Workspace) -> None:
    shown = workspace.mlcraft("prune")
    assert shown.code == 1
    assert "there is no project in" in shown.err
    assert "--airflow" in shown.err
