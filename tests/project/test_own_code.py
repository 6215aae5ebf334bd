"""The project's own code in git: committed before a run, or kept aside where the user's own commit is under way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from airflow_mlcraft.project.own_code import commit_code, get_diffstat, list_code_files
from airflow_mlcraft.project.project_paths import Project


def git(folder: Path, *arguments: str) -> str:
    """As the user runs it."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def edit(project: Project, name: str = "processor.py", text: str = "# mine\n") -> None:
    path = project.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.is_file() else "") + text)


def test_code_that_has_not_changed_needs_no_commit(project: Project) -> None:
    head = git(project.folder, "rev-parse", "HEAD")
    kept = commit_code(project, "train_1")
    assert (kept.commit, kept.dirty) == (head, "")
    assert git(project.folder, "rev-parse", "HEAD") == head


def test_changed_code_is_committed(project: Project) -> None:
    before = git(project.folder, "rev-parse", "HEAD")
    edit(project)
    edit(project, "helpers.py", "LIMIT = 3\n")
    edit(project, "secret.json", "{}")
    edit(project, "data/notes.py", "")
    (project.folder / "retriever.py").unlink()
    kept = commit_code(project, "train_1")
    assert (kept.dirty, kept.commit) == ("", git(project.folder, "rev-parse", "HEAD"))
    changed = git(project.folder, "diff", "--name-status", before, "HEAD").splitlines()
    assert changed == ["A\thelpers.py", "M\tprocessor.py", "D\tretriever.py"]
    assert git(project.folder, "show", "HEAD:processor.py").endswith("# mine")
    assert "Change helpers.py, processor.py, retriever.py" in git(project.folder, "log", "-1", "--format=%B")
    assert git(project.folder, "status", "--short").splitlines() == ["?? data/notes.py", "?? secret.json"]


def test_staged_files_of_the_user_stay_as_they_are(project: Project) -> None:
    head = git(project.folder, "rev-parse", "HEAD")
    edit(project, "README.md", "notes\n")
    git(project.folder, "add", "README.md")
    edit(project)
    kept = commit_code(project, "train_1")
    assert kept.dirty == "you have staged README.md"
    assert git(project.folder, "rev-parse", "HEAD") == head
    assert git(project.folder, "diff", "--cached", "--name-only") == "README.md"
    assert git(project.folder, "show", f"{kept.commit}:processor.py").endswith("# mine")
    assert "+# mine" in (project.runs / "train_1.diff").read_text()
    git(project.folder, "gc", "--quiet", "--prune=now")
    assert git(project.folder, "cat-file", "-t", kept.commit) == "commit"


def test_own_code_that_is_staged_whole_is_committed(project: Project) -> None:
    edit(project)
    git(project.folder, "add", "processor.py")
    assert commit_code(project, "train_1").dirty == ""
    edit(project)
    git(project.folder, "add", "processor.py")
    edit(project, text="# later\n")
    assert commit_code(project, "train_2").dirty == "you have staged processor.py"


def test_a_branch_that_is_not_checked_out(project: Project) -> None:
    git(project.folder, "checkout", "--quiet", "--detach")
    edit(project)
    assert commit_code(project, "train_1").dirty == "no branch is checked out"


def test_a_merge_that_is_going_on(project: Project) -> None:
    edit(project)
    (project.folder / ".git" / "MERGE_HEAD").write_text(git(project.folder, "rev-parse", "HEAD"))
    assert commit_code(project, "train_1").dirty == "a merge or rebase is going on"


def test_a_project_in_a_larger_repository(project: Project, tmp_path: Path) -> None:
    top = tmp_path / "ml_projects"
    (project.folder / ".git").rename(tmp_path / "old.git")
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "iris")
    git(top, "commit", "--quiet", "-m", "Begin")
    edit(project)
    (top / "other.py").write_text("")
    kept = commit_code(project, "train_1")
    assert kept.dirty == ""
    assert git(top, "show", "--name-only", "--format=", kept.commit) == "iris/processor.py"
    assert "processor.py" in list_code_files(project, kept.commit)
    assert "other.py" not in list_code_files(project, kept.commit)


def test_without_git(project: Project) -> None:
    (project.folder / ".git").rename(project.folder.parent / "old.git")
    kept = commit_code(project, "train_1")
    assert kept.commit == ""
    assert "no git repository" in kept.dirty


@pytest.mark.parametrize("staged", [False, True])
def test_what_has_changed_since(project: Project, staged: bool) -> None:
    if staged:
        edit(project, "README.md", "notes\n")
        git(project.folder, "add", "README.md")
    edit(project)
    first = commit_code(project, "train_1")
    assert get_diffstat(project, first.commit) == []
    edit(project, "model.py", "# faster\n")
    assert [line.split()[:3] for line in get_diffstat(project, first.commit)] == [["model.py", "|", "1"]]
    second = commit_code(project, "train_2")
    assert [line.split()[0] for line in get_diffstat(project, first.commit, second.commit)] == ["model.py"]
