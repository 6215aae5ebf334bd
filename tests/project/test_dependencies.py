"""What a project needs beyond MLcraft: asked for in two files, and installed for it alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.common import python_environments
from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project import dependencies, manifest
from airflow_mlcraft.project.project_paths import Project


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is put among the user's own environments."""
    monkeypatch.setenv("AIRFLOW__MLCRAFT__ENVIRONMENTS", str(tmp_path / "environments"))
    return tmp_path / "environments"


def test_none_needs_no_environment(project: Project, own_folder: Path) -> None:
    assert dependencies.prepare_environment(project) is None
    assert not own_folder.exists()


@pytest.mark.parametrize("text", ["", "a b", "-r other.txt", "x>>1", "../folder"])
def test_what_is_no_dependency(project: Project, text: str) -> None:
    with pytest.raises(ProjectError, match="is no dependency: .*; expected a name, as xgboost or xgboost>=2"):
        dependencies.add_dependencies(project, [text])


def test_what_clashes_with_itself(project: Project, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    project.requirements.write_text("pandas==2.2.0\npandas==2.2.1\n")
    with pytest.raises(MlcraftError, match="the requirements pandas==2.2.0, pandas==2.2.1 cannot be installed: "):
        dependencies.prepare_environment(project)
    assert list(own_folder.glob("*/")) == []


def test_what_steps_need_has_lower_bounds_alone() -> None:
    base = python_environments._base_requirements()
    assert any(line.startswith("fastapi>=") for line in base)
    assert any(line.startswith("ruamel") and ">=" in line for line in base)
    assert not [line for line in base if "<" in line]


@pytest.mark.registry
def test_they_are_added_and_replaced(project: Project) -> None:
    project.requirements.write_text("# mine\n")
    assert dependencies.add_dependencies(project, ["humanize==4.9.0"]) == ["humanize==4.9.0"]
    assert dependencies.add_dependencies(project, ["Humanize == 4.12.0"]) == ["Humanize==4.12.0"]
    assert project.requirements.read_text() == "# mine\nHumanize==4.12.0\n"
    assert manifest.read_manifest(project).dependencies == ("Humanize==4.12.0",)
    made = dependencies.prepare_environment(project)
    assert made is not None
    assert made.python.is_file()
    assert made.key == python_environments.compute_key(["Humanize==4.12.0"])


def test_the_package_of_a_model(project: Project) -> None:
    nowhere, everywhere = (lambda _: False), (lambda _: True)
    assert dependencies.find_missing(project, ["svm", "random_forest", "model"], nowhere) == []
    (line,) = dependencies.find_missing(project, ["svm", "lightgbm", "lightgbm"], nowhere)
    assert line.startswith("lightgbm>=")
    assert dependencies.find_missing(project, ["lightgbm"], everywhere) == []
    with project.requirements.open("a") as stream:
        stream.write("pyyaml\n")
    assert dependencies.find_missing(project, ["lightgbm"], everywhere) == [line], "an environment of its own lacks it"
    with project.requirements.open("a") as stream:
        stream.write("lightgbm==4.6.0\n")
    assert dependencies.find_missing(project, ["lightgbm"], nowhere) == []
