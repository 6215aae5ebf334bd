from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_mlcraft.store.store import Store
from tests.versioning import repositories


@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing of the user's git and DVC."""
    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("home")
    (home / "gitconfig").write_text(
        '[user]\n\tname = Tester\n\temail = tester@example.org\n[protocol "file"]\n\tallow = always\n'
    )
    for name, value in {
        "GIT_CONFIG_GLOBAL": home / "gitconfig",
        "GIT_CONFIG_NOSYSTEM": 1,
        "DVC_GLOBAL_CONFIG_DIR": home,
        "DVC_SYSTEM_CONFIG_DIR": home,
        "DVC_SITE_CACHE_DIR": home / "site",
        "DVC_NO_ANALYTICS": 1,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        patch.setenv(name, str(value))


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory, _nobody: None) -> Path:
    return repositories.repository(tmp_path_factory.mktemp("template") / "repo")


@pytest.fixture
def repo(_template: Path, tmp_path: Path) -> Path:
    """A repository with one commit."""
    shutil.copytree(_template, tmp_path / "repo")
    return tmp_path / "repo"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
