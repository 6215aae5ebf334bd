"""Model files: a fitted model in skops's format with boosters beside it. The same model gives the same bytes.

skops numbers objects by their addresses in memory and stamps files with the time; `save` replaces both.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.boosters import save_boosters

MOVED_TYPES = {
    ("airflow_mlcraft.ml.parts", "DateParts"): ("airflow_mlcraft.ml.date_features", "DateParts"),
    ("airflow_mlcraft.ml.parts", "FreeText"): ("airflow_mlcraft.ml.date_features", "FreeText"),
    ("airflow_mlcraft.ml.parts", "Truth"): ("airflow_mlcraft.ml.date_features", "Truth"),
}
"""Module and class as earlier versions stored them, each with the present module and class.

A class whose objects are part of fitted models gets a line here when it moves or is renamed. Pairs are exact, so that
an old module's name stands for nothing else, and types are trusted or refused under their present names.
"""
_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save_model(model: Any, path: Path) -> Path:
    """Write the model, and its boosters into the folder `boosters` beside it."""
    from skops import io as skops_io

    buffer = io.BytesIO()
    try:
        with save_boosters(model, path.parent):
            skops_io.dump(model, buffer)
    except Exception as error:
        raise StepError(f"the model cannot be kept safely by skops ({error}); use estimators that can") from error
    with ZipFile(buffer) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        schema = json.loads(source.read(_SCHEMA))
        files = _number_objects(schema)
        for old, new in files.items():
            content = source.read(old)
            _write_entry(target, new, _without_padding(content) if new.endswith(".npy") else content)
        _write_entry(target, _SCHEMA, json.dumps(schema, indent=1).encode())
    return path


def load_model(path: Path, trusted: Sequence[str]) -> Any:
    """The model, without its boosters. `trusted` are the names of all types beyond those that skops trusts itself."""
    from skops import io as skops_io

    return skops_io.load(_with_present_types(path), trusted=trusted)


def untrusted_types(path: Path) -> list[str]:
    """Current names of the types in a model file that skops does not trust itself."""
    from skops import io as skops_io

    return list(skops_io.get_untrusted_types(file=_with_present_types(path)))


def read_schema(path: Path) -> Any:
    """The schema of a model file: a tree of nodes, each with the module and class of an object."""
    with ZipFile(path) as archive:
        return json.loads(archive.read(_SCHEMA))


def _with_present_types(path: Path) -> Path | io.BytesIO:
    """The file itself; if it has types that have moved, a copy in memory with their current names."""
    with ZipFile(path) as source:
        schema = json.loads(source.read(_SCHEMA))
        moved = False
        for node in _iterate_nodes(schema):
            stored = node.get("__module__"), node.get("__class__")
            if all(isinstance(name, str) for name in stored) and stored in MOVED_TYPES:
                node["__module__"], node["__class__"] = MOVED_TYPES[stored]
                moved = True
        if not moved:
            return path
        copy = io.BytesIO()
        with ZipFile(copy, "w") as target:
            for name in source.namelist():
                target.writestr(name, json.dumps(schema) if name == _SCHEMA else source.read(name))
    return copy


def _iterate_nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """All objects of a schema, parents first and in document order; each may be changed before the next is taken."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _number_objects(schema: Any) -> dict[str, str]:
    """Number objects and files in document order; returns the new name of each file.

    Plain values need no number: whether two equal ones are one object is chance.
    """
    numbers: dict[Any, int] = {}
    files: dict[str, str] = {}
    for node in _iterate_nodes(schema):
        _reset_thread_count(node)
        if node.get("__loader__") == "JsonNode":
            node.pop("__id__", None)
        elif "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if "__loader__" in node and isinstance(node.get("file"), str):
            node["file"] = files.setdefault(node["file"], f"{len(files) + 1}{Path(node['file']).suffix}")
    return files


def _reset_thread_count(node: dict[str, Any]) -> None:
    """Histogram gradient boosting stores the number of threads that it was fitted on."""
    if node.get("__class__") == "_BinMapper":
        node["content"]["content"]["n_threads"]["content"] = "1"


def _write_entry(archive: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, _EPOCH)
    entry.compress_type = ZIP_DEFLATED
    archive.writestr(entry, content)


def _without_padding(content: bytes) -> bytes:
    """The array with zeros between the fields of its records, where there is whatever was in memory before."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    copy = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        copy[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, copy, allow_pickle=False)
    return buffer.getvalue()
