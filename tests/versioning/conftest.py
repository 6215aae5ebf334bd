from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_mlcraft.store.store import Store
from tests.versioning import repositories


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repositories.repository(tmp_path_factory.mktemp("template") / "repo")


@pytest.fixture
def repo(_template: Path, tmp_path: Path) -> Path:
    """A repository with one commit."""
    shutil.copytree(_template, tmp_path / "repo")
    return tmp_path / "repo"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
