"""The `mlcraft:Data` hints of a document: which of its values are data with a path in the project's repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.layout.frames import Frame, Place
from airflow_mlcraft.versioning.paths import fault_of, first_overlap

# Not `path`: CWL takes a field of that name for a file beside the document.
WORKFLOW_LISTS = ("outputs", "inputs")
STEP_LISTS = ("outputs",)
"""The fields of the hint where it stands."""
_FORM = "expected `outputs: [{output: model, to: models/iris}]`"


@dataclass(frozen=True)
class DataHint:
    """A value that is data: an output of the step at `step` (of the workflow when empty), or an input."""

    step: str
    port: str
    path: str
    is_input: bool = False

    def __str__(self) -> str:
        return f"{'input' if self.is_input else 'output'} {self.port} of {self.step or 'the workflow'}"


def data_hints(root: Frame) -> tuple[DataHint, ...]:
    """The hints of a workflow and all its steps; a DocumentError for one that cannot be followed."""
    found = [*_of_workflow(root), *(hint for frame in root.frames() for hint in _of_steps(frame))]
    if overlap := first_overlap(hint.path for hint in found):
        raise DocumentError("hint mlcraft:Data: the paths {} and {} overlap; choose others".format(*overlap))
    return tuple(found)


def _of_workflow(root: Frame) -> Iterator[DataHint]:
    hint = (root.workflow.hints or {}).get("Data") or {}
    _known(hint, WORKFLOW_LISTS, "the workflow")
    outputs = [link.id for link in root.workflow.outputs]
    yield from (DataHint("", *item) for item in _items(hint, "output", outputs, "the workflow"))
    inputs = [port.id for port in root.workflow.inputs]
    yield from (DataHint("", *item, is_input=True) for item in _items(hint, "input", inputs, "the workflow"))


def _of_steps(frame: Frame) -> Iterator[DataHint]:
    for place in frame.places.values():
        hint = (place.step.hints or {}).get("Data") or {}
        path = "/".join((*frame.path, place.step.id))
        _known(hint, STEP_LISTS, path)
        items = list(_items(hint, "output", list(place.step.outputs), path))
        if items and _depth(place) > 1:
            raise DocumentError(
                f"hint mlcraft:Data of {path}: its outputs come as lists of lists, for it is in several scatters; only "
                "a plain list of files can be one folder"
            )
        yield from (DataHint(path, *item) for item in items)


def _items(hint: Json, kind: str, known: list[str], where: str) -> Iterator[tuple[str, str]]:
    listed = hint.get(f"{kind}s", [])
    if not isinstance(listed, list):
        raise DocumentError(f"hint mlcraft:Data of {where}: {kind}s is {listed!r}; {_FORM}")
    for item in listed:
        if not isinstance(item, dict) or item.keys() != {kind, "to"}:
            raise DocumentError(f"hint mlcraft:Data of {where} has {item!r} among its {kind}s; {_FORM}")
        port, path = str(item[kind]), str(item["to"])
        if port not in known:
            raise DocumentError(
                f"hint mlcraft:Data of {where} names the {kind} {port}, which is none of its {kind}s "
                f"({', '.join(known) or 'it has none'})"
            )
        if fault := fault_of(path.rstrip("/")):
            raise DocumentError(f"hint mlcraft:Data of {where}: {path!r} cannot be the path of {port}: {fault}")
        yield port, path.rstrip("/")


def _known(hint: Json, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(hint, dict):
        raise DocumentError(f"hint mlcraft:Data of {where} is {hint!r}; {_FORM}")
    for field in hint:
        if field not in fields:
            raise DocumentError(
                f"hint mlcraft:Data of {where} has the field {field}; expected one of {', '.join(fields)}"
            )


def _depth(place: Place) -> int:
    """How many lists are around an output of a step."""
    depth, axis = 0, place.frame.axis
    while axis is not None:
        depth, axis = depth + 1, axis.parent
    if place.step.scatter:
        depth += len(place.step.scatter) if place.step.scatter_method == "nested_crossproduct" else 1
    return depth
