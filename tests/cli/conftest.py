"""Fixtures with projects for the tests of the verbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.projects import Workspace
from tests.project.projects import trained as trained_once


@pytest.fixture(scope="session")
def trained() -> Workspace:
    """A folder with the trained project iris, which tests must not change."""
    return trained_once()


@pytest.fixture
def trained_copy(trained: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, which a test may change."""
    return trained.copy(tmp_path)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A folder without projects."""
    return Workspace(tmp_path)
