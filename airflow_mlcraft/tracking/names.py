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

_LONGEST = 250
_BRACKETS = re.compile(r"[()\[\]{}<>\"'`]")
_OTHERS = re.compile(r"[^/\w.\- :]+")


def sanitize_name(name: str) -> str:
    """The name of a param, a metric or a tag: without brackets and quotes, and with _ for what else is refused."""
    plain = _OTHERS.sub("_", _BRACKETS.sub("", str(name)))
    # A name is a path to MLflow, which must not lead out of its folder.
    parts = [part for part in posixpath.normpath(plain).split("/") if part not in ("", ".", "..")]
    plain = "/".join(parts) or "_"
    if len(plain) <= _LONGEST:
        return plain
    return with_hash_suffix(plain, _LONGEST)


@dataclass(frozen=True)
class DagRunName:
    """A DAG run; its MLflow run is the parent of those of its steps."""

    dag_id: str
    run_id: str

    @property
    def key(self) -> str:
        """The same in every process."""
        return _key(self.dag_id, self.run_id)

    @property
    def title(self) -> str:
        """The name that MLflow's pages show."""
        return f"{self.dag_id} {self.run_id}"

    def tags(self) -> dict[str, str]:
        """What the run is found by."""
        return {tags.KEY: self.key, tags.KIND: "dag_run", tags.DAG: self.dag_id, tags.RUN: self.run_id}


@dataclass(frozen=True)
class StepName:
    """A task instance: a step, or an item of a scatter. Its tries share one run."""

    flow: DagRunName
    task_id: str
    map_index: int = -1
    try_number: int = 1
    label: str = ""

    @property
    def key(self) -> str:
        """The same in every process, and for each try."""
        return _key(self.flow.dag_id, self.flow.run_id, self.task_id, str(self.map_index))

    @property
    def title(self) -> str:
        """The name that MLflow's pages show."""
        if self.label:
            return self.label
        return self.task_id if self.map_index < 0 else f"{self.task_id} [{self.map_index}]"

    def tags(self) -> dict[str, str]:
        """What the run is found by."""
        return {
            **self.flow.tags(),
            tags.KEY: self.key,
            tags.KIND: "step",
            tags.TASK: self.task_id,
            tags.MAP_INDEX: str(self.map_index),
            tags.TRY: str(self.try_number),
        }


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
