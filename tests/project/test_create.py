"""A new project is there whole, or not at all."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project import create as creating
from airflow_mlcraft.project import manifest
from airflow_mlcraft.project.create import create_project
from airflow_mlcraft.project.project_paths import Project, Projects


def git(project: Project, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=project.folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_what_is_in_it(project: Project) -> None:
    names = {path.name for path in project.folder.iterdir()}
    assert names >= {"mlcraft.toml", ".env", "retriever.py", "processor.py", "model.py", "requirements.txt"}
    assert names >= {"workflow.cwl", "tuned.cwl", "tools", "data", "models", "reports", "logs", ".git", ".dvc"}
    assert stat.S_IMODE(project.secrets.stat().st_mode) == 0o600
    assert manifest.read_manifest(project).sources == ("sklearn:iris",)


def test_it_is_a_repository(project: Project) -> None:
    assert git(project, "log", "--format=%s") == "Begin iris"
    assert git(project, "status", "--short") == ""
    assert ".env" not in git(project, "ls-files").split()
    assert git(project, "check-ignore", ".env", ".mlcraft/x").split() == [".env", ".mlcraft/x"]


def test_templates_have_typed_signatures(project: Project) -> None:
    for name, signature in (
        ("retriever", "def retrieve(sources: list[str], fetch: Callable[[str], pd.DataFrame]) -> pd.DataFrame:"),
        ("processor", "def process(frame: pd.DataFrame, **params: Any) -> pd.DataFrame:"),
        ("model", "def model(**params: Any) -> ClassifierMixin:"),
    ):
        assert signature in (project.folder / f"{name}.py").read_text()


def test_a_source_and_a_target(tmp_path: Path) -> None:
    made = create_project(
        Projects(tmp_path), "cars", "regression", source="https://example.org/cars.csv", target="price"
    )
    found = manifest.read_manifest(made)
    assert (found.sources, found.target, found.metric) == (("https://example.org/cars.csv",), "price", "")
    assert "RegressorMixin" in (made.folder / "model.py").read_text()


def test_a_prediction_type_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="expected classification or regression"):
        create_project(Projects(tmp_path / "ml_projects"), "iris", "clustering")
    assert not (tmp_path / "ml_projects").exists()


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="git repository cannot be made.*`mlcraft doctor` says what is missing"):
        create_project(Projects(tmp_path / "ml_projects"), "iris", "classification")
    assert list_files(tmp_path / "ml_projects") == []


def test_interrupted_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projects = Projects(tmp_path / "ml_projects")
    for name in ("_write_files", "create_repository", "commit_all"):
        with monkeypatch.context() as patch:
            patch.setattr(creating, name, interrupt)
            with pytest.raises(KeyboardInterrupt):
                create_project(projects, "iris", "classification")
        assert list_files(projects.root) == []
    assert create_project(projects, "iris", "classification").manifest.is_file()


def test_what_a_killed_one_left_is_swept(tmp_path: Path) -> None:
    half = tmp_path / ".mlcraft" / "new-abc" / "iris"
    half.mkdir(parents=True)
    create_project(Projects(tmp_path), "iris", "classification")
    assert not half.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "ml_projects").write_text("a file")
    with pytest.raises(ProjectError, match="cannot be written: .*"):
        create_project(Projects(tmp_path / "ml_projects"), "iris", "classification")


def test_its_name_is_in_its_documents(project: Project) -> None:
    assert "id: iris\n" in project.workflow.read_text()
    assert "registry: iris" in (project.tools / "evaluate.cwl").read_text()
    assert json.dumps(str(project.folder)) not in project.workflow.read_text()


def interrupt(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


def list_files(root: Path) -> list[Path]:
    """All files below a folder of projects."""
    return [path for path in root.rglob("*") if path.is_file()] if root.is_dir() else []
