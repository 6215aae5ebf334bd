"""A step that was run before, with the same tool and the same inputs, is not run again."""

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
from airflow_mlcraft.cwl.cache import write_whole
from airflow_mlcraft.cwl.plan import Json, digest_of
from airflow_mlcraft.store.object_paths import DIR_SUFFIX

if TYPE_CHECKING:
    from airflow_mlcraft.operators.task_files import Work
    from airflow_mlcraft.store.store import Store


def identity_of(tool: str, document: Json, inputs: Json, task: Work, surroundings: str = "") -> str:
    """What a run of a tool depends on: the tool, its files and its inputs by content, where it runs, and us."""
    files = [file for file in _files_of(document) if Path(unquote(urlsplit(file["location"]).path)).exists()]
    where = [settings.get_choice("containers"), settings.get_choice("container_engine"), __version__]
    where += [surroundings] if surroundings else []
    return digest_of([tool, document["requirements"], task.keep(files), task.keep(inputs), where])


def may_be_reused(document: Json) -> bool:
    """Whether the setting and the tool's WorkReuse allow it; evaluating an expression takes less than looking."""
    if document["class"] != "CommandLineTool" or not settings.get_bool("reuse"):
        return False
    asked = [
        item
        for item in [*document.get("hints", ()), *document.get("requirements", ())]
        if item.get("class") == "WorkReuse"
    ]
    return asked[-1].get("enableReuse") is not False if asked else True


@dataclass(frozen=True)
class Reuse:
    """The runs that a store remembers."""

    store: Store

    def find(self, identity: str) -> Mapping[str, Any] | None:
        """What was made, and by whom; None when nothing was, or when a file of it is gone."""
        path = self._path(identity)
        try:
            record: dict[str, Any] = json.loads(path.read_bytes())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        oids = list(_objects(record["outputs"]))
        # First noted as used and then looked for, so that what is there now is not pruned a moment later.
        self.store.touch(oids)
        with suppress(OSError):
            os.utime(path)
        return record if all(self._is_whole(oid) for oid in oids) else None

    def remember(self, identity: str, outputs: Json, ti: Any) -> None:
        """Note what a task has made. Of two that made it at once, the later note stands; both are true."""
        made_by = {name: getattr(ti, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        write_whole(self._path(identity), {"outputs": outputs, **made_by})

    def _is_whole(self, oid: str) -> bool:
        """Whether an object is there, and of a folder all files."""
        if oid not in self.store:
            return False
        return not oid.endswith(DIR_SUFFIX) or all(entry.md5 in self.store for entry in self.store.entries(oid))

    def _path(self, identity: str) -> Path:
        return self.store.root / "reuse" / identity[:2] / f"{identity}.json"


def _files_of(document: Json) -> Iterator[Json]:
    """The Files and Directories that a tool brings along, as defaults or for its working folder."""
    from airflow_mlcraft.store.values import each_file_or_directory

    for item in each_file_or_directory(document):
        if str(item.get("location", "")).startswith("file:"):
            yield {"class": item["class"], "location": item["location"]}


def _objects(outputs: Json) -> Iterator[str]:
    from airflow_mlcraft.store.values import each_file_or_directory, oid_of

    for item in each_file_or_directory(outputs):
        if oid := oid_of(item):
            yield oid


VARIABLE = "MLCRAFT_REPLAY"
OUTPUTS, INPUTS = "outputs", "inputs"


def key_of(task_id: str, map_index: int | None) -> str:
    """The name of a task instance in the file."""
    return task_id if map_index is None or map_index < 0 else f"{task_id}[{map_index}]"


def outputs_of_then(ti: Any) -> dict[str, Json] | None:
    """The outputs of a task instance in the run that is repeated; None where it is to be done again."""
    found: dict[str, Json] | None = _replay()[OUTPUTS].get(key_of(ti.task_id, ti.map_index))
    return found


def inputs_of_then(ti: Any) -> dict[str, Json]:
    """The inputs that a task instance had besides those of the document."""
    found: dict[str, Json] = _replay()[INPUTS].get(key_of(ti.task_id, ti.map_index), {})
    return found


def replaying() -> bool:
    """Whether this run repeats one of the past."""
    return bool(os.environ.get(VARIABLE))


def _replay() -> dict[str, Any]:
    return _read(os.environ.get(VARIABLE, ""))


@cache
def _read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_bytes()) if path else {OUTPUTS: {}, INPUTS: {}}
    return found
