"""Outputs of earlier runs instead of running a tool again.

Reuse: a step with the same tool and the same inputs takes the outputs from the store's reuse cache. Replay: a run that
repeats another one (`mlcraft reproduce`) takes values of it from a file that an environment variable names. Of steps
that reach outside it takes the outputs: what they fetch may have changed, and what they serve is served already. Other
steps get from it the inputs that did not come from the document.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_mlcraft import __version__, settings
from airflow_mlcraft.cwl.cache import write_json
from airflow_mlcraft.cwl.plan import Json, hash_json
from airflow_mlcraft.cwl.step_inputs import evaluate_expression
from airflow_mlcraft.errors import LinkError
from airflow_mlcraft.store.object_paths import DIR_SUFFIX

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import TaskFiles
    from airflow_mlcraft.store.store import Store


def compute_step_identity(
    tool_digest: str, document: Json, inputs: Json, files: TaskFiles, environment_key: str = ""
) -> str:
    """A hash of all that the outputs depend on: tool, its files and its inputs by content, environment, our version."""
    tool_files = [file for file in _files_of(document) if Path(unquote(urlsplit(file["location"]).path)).exists()]
    environment = [settings.get_choice("containers"), settings.get_choice("container_engine"), __version__]
    environment += [environment_key] if environment_key else []
    return hash_json([tool_digest, document["requirements"], files.keep(tool_files), files.keep(inputs), environment])


def is_reuse_allowed(document: Json, inputs: dict[str, Json], name: str) -> bool:
    """Whether the setting `reuse` and the tool's WorkReuse allow it. Expressions are evaluated faster than found.

    `enableReuse` may be an expression of the tool's inputs; `name` is the step's in an error message.
    """
    if document["class"] != "CommandLineTool" or not settings.get_bool("reuse"):
        return False
    work_reuse = [
        item
        for item in [*document.get("hints", ()), *document.get("requirements", ())]
        if item.get("class") == "WorkReuse"
    ]
    enable = work_reuse[-1].get("enableReuse") if work_reuse else True
    if not isinstance(enable, str):
        return enable is not False
    enable = evaluate_expression(enable, inputs, document["requirements"], None, f"{name}: enableReuse")
    if not isinstance(enable, bool):
        raise LinkError(f"{name}: enableReuse must give true or false, and gave {enable!r}")
    return enable


@dataclass(frozen=True)
class ReuseCache:
    """The outputs of earlier runs of tools, by step identity, in a folder of the store."""

    store: Store

    def find(self, identity: str) -> Mapping[str, Any] | None:
        """The outputs and the task instance that produced them; None when there are none, or a file of them is gone."""
        path = self._path(identity)
        try:
            record: dict[str, Any] = json.loads(path.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        with suppress(OSError):
            os.utime(path)
        return record if is_complete(self.store, record["outputs"]) else None

    def save(self, identity: str, outputs: Json, ti: Any) -> None:
        """Save the outputs of a task. Of two tasks that do so at once the later one stays; both are right."""
        producer = {name: getattr(ti, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        write_json(self._path(identity), {"outputs": outputs, **producer})

    def _path(self, identity: str) -> Path:
        return self.store.root / "reuse" / identity[:2] / f"{identity}.json"


def is_complete(store: Store, outputs: Json) -> bool:
    """Whether the store has all files of some outputs, which are marked as used."""
    oids = list(_object_ids(outputs))
    # Marked as used before the check, so that an object that is found is not pruned a moment later.
    store.mark_used(oids)
    return all(_has_object(store, oid) for oid in oids)


def _has_object(store: Store, oid: str) -> bool:
    """Whether the store has an object, and all files of it if it is a folder."""
    if oid not in store:
        return False
    return not oid.endswith(DIR_SUFFIX) or all(entry.md5 in store for entry in store.entries(oid))


def _files_of(document: Json) -> Iterator[Json]:
    """The local Files and Directories in a tool's document, as defaults or for its working folder."""
    from airflow_mlcraft.store.values import iterate_files_and_directories

    for item in iterate_files_and_directories(document):
        if str(item.get("location", "")).startswith("file:"):
            yield {"class": item["class"], "location": item["location"]}


def _object_ids(outputs: Json) -> Iterator[str]:
    from airflow_mlcraft.store.values import iterate_files_and_directories, oid_of

    for item in iterate_files_and_directories(outputs):
        if oid := oid_of(item):
            yield oid


REPLAY_VARIABLE = "MLCRAFT_REPLAY"
"""The environment variable with the path of the replay file."""
OUTPUTS, INPUTS = "outputs", "inputs"
"""The keys of the replay file."""


def task_instance_key(task_id: str, map_index: int | None) -> str:
    """The key of a task instance in the replay file."""
    return task_id if map_index is None or map_index < 0 else f"{task_id}[{map_index}]"


def find_replayed_outputs(ti: Any) -> dict[str, Json] | None:
    """The outputs of a task instance in the run that is repeated; None where it is to run again."""
    outputs: dict[str, Json] | None = _load_replay()[OUTPUTS].get(task_instance_key(ti.task_id, ti.map_index))
    return outputs


def find_replayed_inputs(ti: Any) -> dict[str, Json]:
    """The inputs that a task instance had besides those of the document."""
    inputs: dict[str, Json] = _load_replay()[INPUTS].get(task_instance_key(ti.task_id, ti.map_index), {})
    return inputs


def is_replay() -> bool:
    """Whether this run repeats an earlier one."""
    return bool(os.environ.get(REPLAY_VARIABLE))


def _load_replay() -> dict[str, Any]:
    return _read_replay_file(os.environ.get(REPLAY_VARIABLE, ""))


@cache
def _read_replay_file(path: str) -> dict[str, Any]:
    replay: dict[str, Any] = json.loads(Path(path).read_bytes()) if path else {OUTPUTS: {}, INPUTS: {}}
    return replay
