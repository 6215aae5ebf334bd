"""One Airflow for all tests of the pages' server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.site import Site, wait_until

DOCUMENTS = Path(__file__).parent / "documents"
OWN = 'from airflow.sdk import DAG\n\nown = DAG("pack.own")\n'
"""A DAG of somebody's own, whose id could be that of a packed document's process."""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """It runs, and has read all documents."""
    made = Site(tmp_path_factory.mktemp("site") / "home")
    shutil.copytree(DOCUMENTS, made.documents, dirs_exist_ok=True)
    (made.home / "dags" / "own.py").write_text(OWN)
    with made.running():
        admin = made.client()
        wanted = {"greetings", "other", "hostile", "choices", "fused", "tools.greet", "pack.own"}

        def are_listed() -> bool:
            return wanted <= {dag["dag_id"] for dag in admin.get("/api/v2/dags").json()["dags"]}

        wait_until(are_listed, "the DAGs of the documents")
        yield made
