"""A fitted model in a file of skops, with boosters beside it; their bytes depend on the model alone.

skops numbers objects by their addresses in memory and stamps files with the time; here both are made plain.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.boosters import saved_beside

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def save(model: Any, path: Path) -> Path:
    """Write the model, and its boosters into the folder `boosters` beside it; the same model gives the same bytes."""
    from skops import io as skops_io

    buffer = io.BytesIO()
    try:
        with saved_beside(model, path.parent):
            skops_io.dump(model, buffer)
    except Exception as error:
        raise StepError(f"the model cannot be kept safely by skops ({error}); use estimators that can") from error
    with ZipFile(buffer) as made, ZipFile(path, "w", ZIP_DEFLATED) as plain:
        schema = json.loads(made.read(_SCHEMA))
        files = _number_objects(schema)
        for old, new in files.items():
            _put(plain, new, _without_padding(made.read(old)) if new.endswith(".npy") else made.read(old))
        _put(plain, _SCHEMA, json.dumps(schema, indent=1).encode())
    return path


def schema_of(path: Path) -> Any:
    """What a model's file says of its contents."""
    with ZipFile(path) as archive:
        return json.loads(archive.read(_SCHEMA))


def _put(archive: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, _EPOCH)
    entry.compress_type = ZIP_DEFLATED
    archive.writestr(entry, content)


def _number_objects(schema: Any) -> dict[str, str]:
    """Number objects and files in the order in which they come; gives the files' old and new names.

    Plain values need no number: whether two equal ones are one object is chance.
    """
    numbers: dict[Any, int] = {}
    files: dict[str, str] = {}
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            _forget_threads(value)
            if value.get("__loader__") == "JsonNode":
                value.pop("__id__", None)
            elif "__id__" in value:
                value["__id__"] = numbers.setdefault(value["__id__"], len(numbers) + 1)
            if "__loader__" in value and isinstance(value.get("file"), str):
                value["file"] = files.setdefault(value["file"], f"{len(files) + 1}{Path(value['file']).suffix}")
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
    return files


def _forget_threads(node: dict[str, Any]) -> None:
    """Histogram gradient boosting remembers on how many threads it was fitted."""
    if node.get("__class__") == "_BinMapper":
        node["content"]["content"]["n_threads"]["content"] = "1"


def _without_padding(content: bytes) -> bytes:
    """The bytes between the fields of a structured array are whatever was in memory before."""
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    plain = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        plain[name] = array[name]
    buffer = io.BytesIO()
    np.save(buffer, plain, allow_pickle=False)
    return buffer.getvalue()
