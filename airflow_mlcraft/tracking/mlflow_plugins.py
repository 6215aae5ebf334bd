"""The classes that MLflow finds by entry points: DVC data as a source, tags of runs in tasks, their experiment.

MLflow loads the entry points while it is itself imported: import `mlflow.data` before this module.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.object_paths import DIR_SUFFIX, is_oid
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.parent_run import NOTE, parent_run

_SCHEME = "dvc://"


class DvcSource(DatasetSource):
    """A file or folder by its md5, in a store in DVC's layout or a git repository with `.dvc` files.

    :param md5: its content; a folder's ends with `.dir`
    :param path: where the project has it
    :param url: the store that has it: a folder or an fsspec URL; or, with `rev`, a git repository
    :param rev: the git revision
    """

    def __init__(self, md5: str, path: str = "", url: str = "", rev: str = ""):
        self.md5 = md5
        self.path = path
        self.url = url
        self.rev = rev

    def load(self, dst_path: str | None = None) -> str:
        """Fetch it into a folder; the path of the file or folder there."""
        if not self.url:
            raise MlcraftError(
                f"the data set {self.path or self.md5} was tracked without the place that has it; "
                f"look for the object {self.md5} in the store of the project"
            )
        target = Path(dst_path or mkdtemp(prefix="mlcraft-data-")) / (Path(self.path).name or self.md5)
        if self.rev:
            from dvc.repo import Repo

            Repo.get(self.url, self.path, out=str(target), rev=self.rev)
        else:
            self._from_store(target)
        return str(target)

    def to_dict(self) -> dict[str, Any]:
        """What MLflow keeps of it."""
        named = {"md5": self.md5, "path": self.path, "url": self.url, "rev": self.rev}
        return {name: value for name, value in named.items() if value}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DvcSource:
        """The source that MLflow has kept."""
        return cls(**{name: str(source_dict.get(name, "")) for name in ("md5", "path", "url", "rev")})

    def _from_store(self, target: Path) -> None:
        local = "://" not in self.url
        root = self.url if local else mkdtemp(prefix="mlcraft-store-")
        store = Store(root, remote="" if local else self.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.md5.endswith(DIR_SUFFIX):
            store.checkout(self.md5, target)
        else:
            store.copy(self.md5, target)

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith(_SCHEME)

    @classmethod
    def _resolve(cls, raw_source: Any) -> DvcSource:
        """From `dvc://<md5>`, or `dvc://<md5>/<path in the project>`."""
        md5, _, path = str(raw_source).removeprefix(_SCHEME).partition("/")
        if not is_oid(md5):
            raise MlcraftError(f"{raw_source!r} names no DVC object; expected dvc://, its md5, and perhaps its path")
        return cls(md5, path)


_VARIABLES = {
    tags.DAG: "AIRFLOW_CTX_DAG_ID",
    tags.RUN: "AIRFLOW_CTX_DAG_RUN_ID",
    tags.TASK: "AIRFLOW_CTX_TASK_ID",
    tags.TRY: "AIRFLOW_CTX_TRY_NUMBER",
    tags.MAP_INDEX: "AIRFLOW_CTX_MAP_INDEX",
}


class AirflowRunContext(RunContextProvider):
    """Airflow says by environment variables which task is running."""

    def in_context(self) -> bool:
        """Whether a task is running here."""
        return "AIRFLOW_CTX_DAG_ID" in os.environ

    def tags(self) -> dict[str, str]:
        """The task's names."""
        found = {tag: os.environ.get(variable, "") for tag, variable in _VARIABLES.items()}
        found[tags.PARENT] = parent_run().get("id", "")
        return {tag: value for tag, value in found.items() if value}


class TaskExperiment(DefaultExperimentProvider):
    """The same experiment as that of the run above, without which MLflow's pages would not show it there."""

    def in_context(self) -> bool:
        """Whether a tracked task is running here."""
        return NOTE in os.environ and "experiment_id" in parent_run()

    def get_experiment_id(self) -> str:
        """The experiment's id."""
        return parent_run()["experiment_id"]
