"""Names that MLflow accepts, and the names of the runs of DAG runs and steps.

MLflow refuses a whole batch of params or metrics for one invalid name.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from dataclasses import dataclass

from airflow_mlcraft.common.safe_names import with_hash_suffix
from airflow_mlcraft.tracking import tags

_MAX_LENGTH = 250
_BRACKETS = re.compile(r"[()\[\]{}<>\"'`]")
_REFUSED_CHARACTERS = re.compile(r"[^/\w.\- :]+")


def sanitize_name(name: str) -> str:
    """Return a name for a param, metric or tag: no brackets or quotes, and _ for other characters MLflow refuses."""
    cleaned = _REFUSED_CHARACTERS.sub("_", _BRACKETS.sub("", str(name)))
    # A name is a path to MLflow, which must not lead out of its folder.
    parts = [part for part in posixpath.normpath(cleaned).split("/") if part not in ("", ".", "..")]
    cleaned = "/".join(parts) or "_"
    if len(cleaned) <= _MAX_LENGTH:
        return cleaned
    return with_hash_suffix(cleaned, _MAX_LENGTH)


@dataclass(frozen=True)
class DagRunName:
    """The identity of a DAG run. Its MLflow run is the parent of the runs of its steps."""

    dag_id: str
    run_id: str

    @property
    def key(self) -> str:
        """A hash of the ids, the same in every process."""
        return _key(self.dag_id, self.run_id)

    @property
    def title(self) -> str:
        """The name that MLflow's pages show."""
        return f"{self.dag_id} {self.run_id}"

    def tags(self) -> dict[str, str]:
        """Return the tags by which the run is found."""
        return {tags.KEY: self.key, tags.KIND: "dag_run", tags.DAG: self.dag_id, tags.RUN: self.run_id}


@dataclass(frozen=True)
class StepName:
    """The identity of a task instance: a step, or an item of a scatter. Its tries share one run."""

    dag_run: DagRunName
    task_id: str
    map_index: int = -1
    try_number: int = 1
    label: str = ""

    @property
    def key(self) -> str:
        """A hash of the ids, the same in every process and for each try."""
        return _key(self.dag_run.dag_id, self.dag_run.run_id, self.task_id, str(self.map_index))

    @property
    def title(self) -> str:
        """The name that MLflow's pages show."""
        if self.label:
            return self.label
        return self.task_id if self.map_index < 0 else f"{self.task_id} [{self.map_index}]"

    def tags(self) -> dict[str, str]:
        """Return the tags by which the run is found."""
        return {
            **self.dag_run.tags(),
            tags.KEY: self.key,
            tags.KIND: "step",
            tags.TASK: self.task_id,
            tags.MAP_INDEX: str(self.map_index),
            tags.TRY: str(self.try_number),
        }


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
