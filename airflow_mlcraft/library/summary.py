"""The summary of a document for a list: its names, inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from airflow_mlcraft.common.cwl_types import is_optional, local_name, shorten_type
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.layout.hints import STEP_KINDS
from airflow_mlcraft.library.shallow_yaml import load_shallow

_PREFIX = "mlcraft:"


@dataclass(frozen=True)
class Summary:
    """The summary of a document."""

    name: str = ""
    label: str = ""
    doc: str = ""
    kind: str = ""
    cwl_version: str = ""
    hint: str = ""
    error: str = ""
    inputs: list[Json] = field(default_factory=list)
    outputs: list[Json] = field(default_factory=list)

    def to_json(self) -> Json:
        """Return the JSON object for the web page."""
        return {
            "name": self.name,
            "label": self.label,
            "doc": self.doc,
            "class": self.kind,
            "cwl_version": self.cwl_version,
            "inputs": self.inputs,
            "outputs": self.outputs,
            **({"hint": self.hint} if self.hint else {}),
            **({"error": self.error} if self.error else {}),
        }


def summarize(text: str, path: str) -> Summary:
    """Summarize a document's text, without resolving references."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    try:
        document = load_shallow(text)
    except DocumentError as error:
        return Summary(name=stem, error=str(error))
    process = find_main_process(document)
    if process is None or not _text(process.get("class")):
        return Summary(name=stem, error="expected a CWL document: a map with class and cwlVersion")
    return Summary(
        name=_text(process.get("id")).rpartition("#")[2] or stem,
        label=_text(process.get("label")),
        doc=_text(process.get("doc")),
        kind=_text(process.get("class")),
        cwl_version=_text(document.get("cwlVersion")),
        hint=_get_step_kind(process),
        inputs=list(_summarize_ports(process.get("inputs"))),
        outputs=list(_summarize_ports(process.get("outputs"))),
    )


def find_main_process(document: Any) -> dict[str, Any] | None:
    """Return the process of a document, or the main one of a packed document."""
    if not isinstance(document, dict):
        return None
    graph = document.get("$graph")
    if not isinstance(graph, list):
        return document
    processes = [process for process in graph if isinstance(process, dict)]
    named = [process for process in processes if _text(process.get("id")).rpartition("#")[2] == "main"]
    workflows = [process for process in processes if process.get("class") == "Workflow"]
    return next(iter([*named, *workflows, *processes]), None)


def iter_entries(entries: Any, value: str = "type", key: str = "id") -> Iterator[dict[str, Any]]:
    """Iterate over the entries of a list or a map, each as a map with an id."""
    if isinstance(entries, dict):
        for name, entry in entries.items():
            yield {**(entry if isinstance(entry, dict) else {value: entry}), key: name}
    elif isinstance(entries, list):
        for entry in entries:
            if isinstance(entry, dict):
                yield {**entry, key: local_name(_text(entry.get(key)))}


def _summarize_ports(entries: Any) -> Iterator[Json]:
    for port in iter_entries(entries):
        cwl_type = port.get("type", "Any")
        short_type = shorten_type(cwl_type)
        summary = {"id": port["id"], "type": short_type}
        for name in ("label", "doc"):
            if text := _text(port.get(name)):
                summary[name] = text
        if is_optional(short_type) or "default" in port:
            summary["optional"] = True
        yield summary


def _get_step_kind(process: dict[str, Any]) -> str:
    hints = process.get("hints")
    if isinstance(hints, list):
        hints = [hint.get("class") for hint in hints if isinstance(hint, dict)]
    names = [_text(name).rpartition("#")[2].removeprefix(_PREFIX) for name in hints or ()]
    return next((name for name in names if name in STEP_KINDS), "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
