"""The fields that our hints may have: what each sets, how it is read, and what a form says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_mlcraft.cwl.plan import Json, Plan, Step, Workflow
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.layout.frames import Frame, Place
from airflow_mlcraft.versioning.data_paths import fault_of, first_overlap

_LONGEST_SHOWN = 200
"""Characters of a wrong value that an error repeats."""


class HintField(NamedTuple):
    """A field of a hint."""

    argument: str
    """The argument of Airflow's that it sets."""
    convert: Callable[[Json], Any]
    title: str
    description: str
    schema: Mapping[str, Json]
    """What JSON Schema says of its value."""


class FieldError(DocumentError):
    """A field of a document that cannot be used."""

    def __init__(self, message: str, field: str, value: Json = None):
        self.field = field
        self.value = value
        super().__init__(message)


def to_integer(value: Json) -> int:
    """A whole number; a text that says one is taken as well."""
    if isinstance(value, bool) or not float(value).is_integer():
        raise ValueError("expected a whole number")
    return int(value)


def to_flag(value: Json) -> bool:
    """True or false: any other text would count as true."""
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def to_text(value: Json) -> str:
    """A text; of a number, as it is written."""
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError("expected a text")
    return str(value)


def read_hint(name: str, hint: Mapping[str, Json], fields: Mapping[str, HintField], where: str) -> dict[str, Any]:
    """The fields of one of our hints as arguments; a field that is not ours is a mistake worth a sentence."""
    args = {}
    for key, value in hint.items():
        if key not in fields:
            known = f"expected one of {', '.join(sorted(fields))}" if fields else "it has none"
            raise FieldError(f"hint mlcraft:{name} of {where} has the field {key}; {known}", key, value)
        field = fields[key]
        try:
            args[field.argument] = _checked(field, field.convert(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise FieldError(
                f"hint mlcraft:{name} of {where}: {key} is {_shown(value)}, which cannot be: {error}", key, value
            ) from None
    return args


def _checked(field: HintField, value: Any) -> Any:
    minimum = field.schema.get("minimum")
    if minimum is not None and isinstance(value, int) and value < minimum:
        raise ValueError(f"expected {minimum} or more")
    return value


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


KINDS = ("Retrieve", "Split", "Process", "Train", "Tune", "Evaluate", "Approve", "Predict", "Serve")

MODULES = {
    "airflow_mlcraft.operators.ml",
    "airflow_mlcraft.operators.task_run",
}
"""Of the operators whose runs are tracked without being asked for."""


def kind_of(step: Step) -> str | None:
    """The kind of a step that runs a tool, if it has one."""
    return next((kind for kind in KINDS if kind in (step.hints or {})), None)


def has_machine_learning(plan: Plan) -> bool:
    """Whether a step of a plan is of one of the kinds."""
    return _any_in(plan.root)


def _any_in(workflow: Workflow) -> bool:
    return any(
        _any_in(step.run) if isinstance(step.run, Workflow) else kind_of(step) is not None for step in workflow.steps
    )


_REGISTRY = HintField(
    "registry",
    to_text,
    "Registered model",
    "What the model is called in MLflow's registry; as the document when left out.",
    {"type": "string"},
)
_CROWN = HintField(
    "crown",
    to_flag,
    "Crown the best",
    "Whether the best model becomes the champion at once, rather than after an approval.",
    {"type": "boolean", "default": True},
)
KIND_FIELDS: Mapping[str, Mapping[str, HintField]] = {
    **{kind: {} for kind in KINDS},
    "Evaluate": {"registry": _REGISTRY, "crown": _CROWN},
    "Approve": {"registry": _REGISTRY},
    "Predict": {"registry": _REGISTRY},
}

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
