"""Classes that MLflow loads by entry points: DVC as a dataset source, tags of runs in tasks, their experiment.

MLflow loads the entry points while it is itself imported: import `mlflow.data` before this module.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from airflow_mlcraft.adapters.mlflow_plugins import DatasetSource, DefaultExperimentProvider, RunContextProvider
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.store.object_paths import DIR_SUFFIX, is_oid
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.parent_run import NOTE, read_parent_run

_SCHEME = "dvc://"


class DvcSource(DatasetSource):
    """A file or folder by its md5, in a store in DVC's layout or a git repository with `.dvc` files.

    :param md5: hash of the content; a folder's ends with `.dir`
    :param path: its path in the project
    :param url: the store that holds it: a folder or an fsspec URL; or, with `rev`, a git repository
    :param rev: the git revision
    """

    source_type = "dvc"

    def __init__(self, md5: str, path: str = "", url: str = "", rev: str = ""):
        self.md5 = md5
        self.path = path
        self.url = url
        self.rev = rev

    def load(self, dst_path: str | None = None) -> str:
        """Fetch the data into a folder, and return the path of the file or folder there."""
        if not self.url:
            raise MlcraftError(
                f"the data set {self.path or self.md5} was tracked without the place that has it; "
                f"look for the object {self.md5} in the store of the project"
            )
        target = Path(dst_path or mkdtemp(prefix="mlcraft-data-")) / (Path(self.path).name or self.md5)
        if self.rev:
            from airflow_mlcraft.adapters.dvc import download_from_repository

            download_from_repository(self.url, self.path, target, self.rev)
        else:
            self._copy_from_store(target)
        return str(target)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that MLflow stores."""
        fields = {"md5": self.md5, "path": self.path, "url": self.url, "rev": self.rev}
        return {name: value for name, value in fields.items() if value}

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DvcSource:
        """Build the source from the fields that MLflow stores."""
        return cls(**{name: str(source_dict.get(name, "")) for name in ("md5", "path", "url", "rev")})

    def _copy_from_store(self, target: Path) -> None:
        local = "://" not in self.url
        root = self.url if local else mkdtemp(prefix="mlcraft-store-")
        store = Store(root, remote="" if local else self.url)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.md5.endswith(DIR_SUFFIX):
            store.checkout(self.md5, target)
        else:
            store.copy(self.md5, target)

    @classmethod
    def can_parse(cls, raw_source: Any) -> bool:
        """Whether it is a text that begins with `dvc://`."""
        return isinstance(raw_source, str) and raw_source.startswith(_SCHEME)

    @classmethod
    def parse(cls, raw_source: Any) -> DvcSource:
        """Parse `dvc://<md5>` or `dvc://<md5>/<path in the project>`."""
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
    """Tags for runs that start in a task, from the environment variables that Airflow sets."""

    def in_context(self) -> bool:
        """Whether an Airflow task runs in this process."""
        return "AIRFLOW_CTX_DAG_ID" in os.environ

    def tags(self) -> dict[str, str]:
        """Return the ids of the task as tags."""
        found = {tag: os.environ.get(variable, "") for tag, variable in _VARIABLES.items()}
        found[tags.PARENT] = read_parent_run().get("id", "")
        return {tag: value for tag, value in found.items() if value}


class TaskExperiment(DefaultExperimentProvider):
    """The experiment of the parent run: MLflow's pages show a child run only in the experiment of its parent."""

    def in_context(self) -> bool:
        """Whether a tracked task runs in this process."""
        return NOTE in os.environ and "experiment_id" in read_parent_run()

    def get_experiment_id(self) -> str:
        """Return the id of the experiment."""
        return read_parent_run()["experiment_id"]
