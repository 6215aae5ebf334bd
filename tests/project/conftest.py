"""Fixtures with projects."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_mlcraft.project.create import create_project
from airflow_mlcraft.project.project_paths import Project, Projects
from tests.project.projects import Workspace
from tests.project.projects import trained as trained_once


@pytest.fixture(scope="session")
def trained() -> Workspace:
    """A folder with the trained project iris."""
    return trained_once()


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A new project, which tests copy."""
    return create_project(Projects(tmp_path_factory.mktemp("made")), "iris", "classification")


@pytest.fixture
def project(new_project: Project, tmp_path: Path) -> Project:
    """A new project."""
    return Project(shutil.copytree(new_project.folder, tmp_path / "ml_projects" / "iris", symlinks=True))
