"""Runs of documents that are tracked, and what MLflow has of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_mlcraft.tracking.api import Api, Run
from airflow_mlcraft.tracking.client import TrackingClient
from tests.operators.embedded import DOCUMENTS, DagRunResult, fork_server

ENOUGH = 180


class TrackedFolder:
    """A folder with a store, a spool and a tracking store: a database, or the server of an address."""

    def __init__(self, folder: Path, uri: str = ""):
        self.folder = folder
        self.uri = uri or f"sqlite:///{folder}/mlflow.db"
        self.tracking = TrackingClient(self.uri, spool=folder / "spool", linger=2)

    def settings(self) -> dict[str, str]:
        """Those of all runs here."""
        return {
            "tracking": "auto",
            "tracking_uri": self.uri,
            "tracking_spool": str(self.folder / "spool"),
            "tracking_linger": "2",
            "deployments": str(self.folder / "deployments"),
        }

    def environment(self) -> dict[str, str]:
        """The same for a command, with the folders of the runs."""
        every = {**self.settings(), "store": self.folder / "store", "cache": fork_server().root / "home" / "cache"}
        return {f"AIRFLOW__MLCRAFT__{name.upper()}": str(value) for name, value in every.items()}

    def run(self, document: str = "learning.cwl", job: Any = None, **options: Any) -> DagRunResult:
        """Run a document."""
        settings = {**self.settings(), **options.pop("settings", {})}
        return fork_server().run(self.folder, DOCUMENTS / document, job, settings=settings, preload_ml=True, **options)

    def api(self) -> Api:
        """The tracking store, when all is sent."""
        assert self.tracking.flush(ENOUGH) == 0
        return self.tracking.api()

    def runs(self, dag_id: str = "learning") -> list[Run]:
        """All runs of a DAG, the oldest first."""
        api = self.api()
        return [api.get_run(run.id) for run in api.search_runs(api.get_or_create_experiment(dag_id), "")]
