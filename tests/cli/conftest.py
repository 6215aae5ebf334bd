"""Fixtures with projects for the tests of the verbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.projects import Workplace
from tests.project.projects import trained as trained_once


@pytest.fixture(scope="session")
def trained() -> Workplace:
    """A folder with the trained project iris, which tests must not change."""
    return trained_once()


@pytest.fixture
def changed(trained: Workplace, tmp_path: Path) -> Workplace:
    """A copy of it, which a test may change."""
    return trained.copy(tmp_path)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A folder without projects."""
    return Workplace(tmp_path)
