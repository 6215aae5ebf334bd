"""Where projects are, and what they may be called."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import Project, Projects, find_name_fault, find_projects


@pytest.mark.parametrize("name", ["iris", "Iris2", "a_b", "x" * 50])
def test_good_names(name: str) -> None:
    assert find_name_fault(name) == ""


@pytest.mark.parametrize(
    "name", ["", "2iris", "a-b", "a.b", "../a", "a/b", "ä", "class", "None", "x" * 51, "_a", "a b"]
)
def test_bad_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="cannot be the name of a project"):
        Projects(tmp_path).new_project(name)


def test_a_taken_name_in_any_letters(project: Project) -> None:
    with pytest.raises(ProjectError, match="is there already; choose another name"):
        Projects(project.folder.parent).new_project("IRIS")


def test_the_folder_that_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCRAFT_PROJECTS", str(tmp_path / "named"))
    assert find_projects().root == tmp_path / "named"
    assert find_projects(tmp_path / "given").root == tmp_path / "given"


def test_the_folder_where_the_user_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLCRAFT_PROJECTS", raising=False)
    root = project.folder.parent
    for place in (root.parent, root, project.folder, project.folder / "data"):
        monkeypatch.chdir(place)
        assert find_projects().root == root, place


def test_a_project_that_is_not_there(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="there is no project 'roses' in .*; there are iris"):
        Projects(project.folder.parent).find("roses")
    with pytest.raises(ProjectError, match="make one with `mlcraft init roses`"):
        Projects(tmp_path / "none").find("roses")
