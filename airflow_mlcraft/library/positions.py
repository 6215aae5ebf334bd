"""Where the author of a document has put its steps: `sbg:x` and `sbg:y`, which plans do not keep."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.library.folder import read_text
from airflow_mlcraft.library.glance import glance
from airflow_mlcraft.library.summary import listed, main_process

_MAX_DEPTH = 20


@dataclass
class Positions:
    """Of one workflow by key (`input:x`, `step:x`, `output:x`), and of those that its steps run by the step."""

    own: dict[str, dict[str, float]] = field(default_factory=dict)
    inside: dict[str, Positions] = field(default_factory=dict)


def positions_in(path: Path, folder: Path, fragment: str = "", depth: int = 0) -> Positions:
    """The positions in a document below `folder`; none where it cannot be read, for a picture can do without."""
    real = os.path.realpath(path)
    if depth > _MAX_DEPTH or os.path.commonpath([real, os.path.realpath(folder)]) != os.path.realpath(folder):
        return Positions()
    try:
        document = glance(read_text(path, path.name).text)
    except MlcraftError:
        return Positions()
    return _of_process(_process(document, fragment), document, path, folder, depth)


def _of_process(process: Any, document: Any, path: Path, folder: Path, depth: int) -> Positions:
    found = Positions()
    if not isinstance(process, dict):
        return found
    for kind, entries in (("input", "inputs"), ("output", "outputs"), ("step", "steps")):
        for entry in listed(process.get(entries)):
            if position := _position(entry):
                found.own[f"{kind}:{entry['id']}"] = position
            if kind == "step":
                found.inside[entry["id"]] = _of_run(entry.get("run"), document, path, folder, depth + 1)
    return found


def _of_run(run: Any, document: Any, path: Path, folder: Path, depth: int) -> Positions:
    if isinstance(run, dict):
        return _of_process(run, document, path, folder, depth) if depth <= _MAX_DEPTH else Positions()
    if not isinstance(run, str) or ":" in run:
        return Positions()
    file, _, fragment = run.partition("#")
    if not file:
        process = _process(document, fragment) if depth <= _MAX_DEPTH else None
        return _of_process(process, document, path, folder, depth)
    return positions_in(path.parent / file, folder, fragment, depth)


def _process(document: Any, fragment: str) -> Any:
    if fragment and isinstance(document, dict) and isinstance(document.get("$graph"), list):
        for process in listed(document["$graph"]):
            if process["id"] == fragment:
                return process
    return main_process(document)


def _position(entry: dict[str, Any]) -> dict[str, float] | None:
    try:
        return {"x": float(entry["sbg:x"]), "y": float(entry["sbg:y"])}
    except (KeyError, TypeError, ValueError):
        return None
