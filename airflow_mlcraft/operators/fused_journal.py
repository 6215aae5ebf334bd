"""The journal of a fused task: which of its steps have ended, and with which outputs.

A retry takes the outputs of steps that have succeeded from there. The journal is a file of JSON lines in the store,
written as steps end, and removed when the whole task has succeeded.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.cwl.plan import Json, hash_json
from airflow_mlcraft.operators.fused_steps import StepJob, StepOutcome
from airflow_mlcraft.operators.reuse import is_complete

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store

FOLDER = "fused"
"""The folder of the journals in the store."""


class Journal:
    """The journal of one task instance; all its tries share it."""

    def __init__(self, store: Store, *task_instance: object):
        name = hashlib.sha256("\0".join(map(str, task_instance)).encode()).hexdigest()
        self._store = store
        self.path = Path(store.root) / FOLDER / name[:2] / f"{name}.jsonl"
        self._entries: dict[str, Json] = {}

    def load(self) -> None:
        """Read the entries of earlier tries. A last line that was not written to its end does not count."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for line in lines[:-1]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            self._entries[entry["key"]] = entry

    def find(self, job: StepJob) -> StepOutcome | None:
        """The outcome of a job that has succeeded on the same inputs; None if a file of it is gone."""
        entry = self._entries.get(_key(job))
        if entry is None or not is_complete(self._store, [entry["values"], entry["updates"]]):
            return None
        return StepOutcome(entry["values"], entry["updates"])

    def add(self, job: StepJob, outcome: StepOutcome) -> None:
        """Append the outcome of a job."""
        entry = {"key": _key(job), **asdict(outcome)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        # One call of the system, so that an entry is written whole or is the last line.
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, data + b"\n")
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Delete the journal: the task has its outputs, and when it is cleared, all its steps run again."""
        self.path.unlink(missing_ok=True)


def _key(job: StepJob) -> str:
    """The identity of a job: its place in the plan, and its inputs, whose files are named by their hashes."""
    return hash_json([job.path, list(job.index), job.kind, job.raw])
