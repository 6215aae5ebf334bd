"""The projects that the tests of the verbs look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.projects import Workplace
from tests.project.projects import trained as trained_once


@pytest.fixture(scope="session")
def trained() -> Workplace:
    """Somebody who has trained iris. Only to be looked at."""
    return trained_once()


@pytest.fixture
def changed(trained: Workplace, tmp_path: Path) -> Workplace:
    """A copy of it, to be changed."""
    return trained.copy(tmp_path)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Somebody who has no project yet."""
    return Workplace(tmp_path)
