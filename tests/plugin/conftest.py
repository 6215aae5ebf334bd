"""One Airflow for all tests of the pages' server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.site import Site, until

DOCUMENTS = Path(__file__).parent / "documents"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """It runs, and has read all documents."""
    made = Site(tmp_path_factory.mktemp("site") / "home")
    shutil.copytree(DOCUMENTS, made.documents, dirs_exist_ok=True)
    with made.running():
        admin = made.client()
        wanted = {"greetings", "other", "hostile", "tools.greet"}

        def there() -> bool:
            return wanted <= {dag["dag_id"] for dag in admin.get("/api/v2/dags").json()["dags"]}

        until(there, "the DAGs of the documents")
        yield made
