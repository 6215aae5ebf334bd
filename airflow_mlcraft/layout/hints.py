"""The `mlcraft:` hints: their fields, how the values are converted, and the hints that a plan has.

The fields of `mlcraft:Dag` and `mlcraft:Task` are in `dag.dag_args` and `dag.task_args`, beside the arguments of
Airflow's that they set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.cwl.plan import Json, Plan, Step, Workflow
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.layout.tasks import StepLayout, WorkflowLayout
from airflow_mlcraft.versioning.data_paths import find_overlap, find_path_fault

STEP_KINDS = ("Retrieve", "Split", "Process", "Train", "Tune", "Evaluate", "Approve", "Predict", "Serve")
"""The kinds of machine-learning steps. A hint of that name on a step or its tool gives the step its kind."""

TRACKED_OPERATOR_MODULES = {
    "airflow_mlcraft.operators.ml",
    "airflow_mlcraft.operators.tracked_task",
}
"""The modules of the operators whose runs are tracked by default."""

WORKFLOW_DATA_FIELDS = ("outputs", "inputs")
STEP_DATA_FIELDS = ("outputs",)
"""The fields of `mlcraft:Data` on a workflow and on a step. The path is in `to`, because CWL resolves a field called
`path` as a file beside the document."""
_EXPECTED_DATA = "expected `outputs: [{output: model, to: models/iris}]`"
_MAX_SHOWN_VALUE = 200
"""Characters of a wrong value that an error message repeats."""


class HintField(NamedTuple):
    """A field of a hint."""

    argument: str
    """The argument of an Airflow DAG, task or operator that it sets."""
    convert: Callable[[Json], Any]
    title: str
    description: str
    schema: Mapping[str, Json]
    """The JSON Schema of its value."""


class FieldError(DocumentError):
    """A field of a hint or requirement with a value that cannot be used."""

    def __init__(self, message: str, field: str, value: Json = None):
        self.field = field
        self.value = value
        super().__init__(message)


def to_integer(value: Json) -> int:
    """A whole number, also from a text such as "3"."""
    if isinstance(value, bool) or not float(value).is_integer():
        raise ValueError("expected a whole number")
    return int(value)


def to_boolean(value: Json) -> bool:
    """True or false; texts are refused, because any text but "" would count as true."""
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def to_text(value: Json) -> str:
    """A text; a number becomes the text of that number."""
    if isinstance(value, (dict, list)) or value is None:
        raise TypeError("expected a text")
    return str(value)


_REGISTRY = HintField(
    "registry",
    to_text,
    "Registered model",
    "What the model is called in MLflow's registry; as the document when left out.",
    {"type": "string"},
)
_CROWN = HintField(
    "crown",
    to_boolean,
    "Crown the best",
    "Whether the best model becomes the champion at once, rather than after an approval.",
    {"type": "boolean", "default": True},
)
KIND_FIELDS: Mapping[str, Mapping[str, HintField]] = {
    **{kind: {} for kind in STEP_KINDS},
    "Evaluate": {"registry": _REGISTRY, "crown": _CROWN},
    "Approve": {"registry": _REGISTRY},
    "Predict": {"registry": _REGISTRY},
}


def get_step_kind(step: Step) -> str | None:
    """The machine-learning kind of a step, if it has one."""
    return next((kind for kind in STEP_KINDS if kind in (step.hints or {})), None)


def has_machine_learning(plan: Plan) -> bool:
    """Whether a step of a plan, at any depth, has a kind."""
    return _has_step_kind(plan.root)


def _has_step_kind(workflow: Workflow) -> bool:
    return any(
        _has_step_kind(step.run) if isinstance(step.run, Workflow) else get_step_kind(step) is not None
        for step in workflow.steps
    )


def read_hint(name: str, hint: Mapping[str, Json], fields: Mapping[str, HintField], where: str) -> dict[str, Any]:
    """The arguments that the fields of a hint set. Raises `FieldError` for an unknown field or a wrong value."""
    args = {}
    for key, value in hint.items():
        if key not in fields:
            known = f"expected one of {', '.join(sorted(fields))}" if fields else "it has none"
            raise FieldError(f"hint mlcraft:{name} of {where} has the field {key}; {known}", key, value)
        field = fields[key]
        try:
            args[field.argument] = _validated(field, field.convert(value))
        except (TypeError, ValueError, OverflowError) as error:
            raise FieldError(
                f"hint mlcraft:{name} of {where}: {key} is {_truncated_repr(value)}, which cannot be: {error}",
                key,
                value,
            ) from None
    return args


def _validated(field: HintField, value: Any) -> Any:
    minimum = field.schema.get("minimum")
    if minimum is not None and isinstance(value, int) and value < minimum:
        raise ValueError(f"expected {minimum} or more")
    return value


def _truncated_repr(value: Json) -> str:
    text = repr(value)
    return shorten(text, _MAX_SHOWN_VALUE)


@dataclass(frozen=True)
class DataHint:
    """A value to version: an output of the step with the path `step` (of the workflow when empty), or an input."""

    step: str
    port: str
    path: str
    is_input: bool = False

    def __str__(self) -> str:
        return f"{'input' if self.is_input else 'output'} {self.port} of {self.step or 'the workflow'}"


def read_data_hints(root: WorkflowLayout) -> tuple[DataHint, ...]:
    """The `mlcraft:Data` hints of a workflow and all its steps. Raises `DocumentError` for a wrong one."""
    hints = [
        *_workflow_hints(root),
        *(hint for workflow_layout in root.walk() for hint in _step_hints(workflow_layout)),
    ]
    if overlap := find_overlap(hint.path for hint in hints):
        raise DocumentError("hint mlcraft:Data: the paths {} and {} overlap; choose others".format(*overlap))
    return tuple(hints)


def _workflow_hints(root: WorkflowLayout) -> Iterator[DataHint]:
    hint = (root.workflow.hints or {}).get("Data") or {}
    _check_fields(hint, WORKFLOW_DATA_FIELDS, "the workflow")
    outputs = [link.id for link in root.workflow.outputs]
    yield from (DataHint("", *item) for item in _items(hint, "output", outputs, "the workflow"))
    inputs = [port.id for port in root.workflow.inputs]
    yield from (DataHint("", *item, is_input=True) for item in _items(hint, "input", inputs, "the workflow"))


def _step_hints(workflow_layout: WorkflowLayout) -> Iterator[DataHint]:
    for step_layout in workflow_layout.steps.values():
        hint = (step_layout.step.hints or {}).get("Data") or {}
        path = "/".join((*workflow_layout.path, step_layout.step.id))
        _check_fields(hint, STEP_DATA_FIELDS, path)
        items = list(_items(hint, "output", list(step_layout.step.outputs), path))
        if items and _list_depth(step_layout) > 1:
            raise DocumentError(
                f"hint mlcraft:Data of {path}: its outputs come as lists of lists, for it is in several scatters; only "
                "a plain list of files can be one folder"
            )
        yield from (DataHint(path, *item) for item in items)


def _items(hint: Json, kind: str, known: list[str], where: str) -> Iterator[tuple[str, str]]:
    entries = hint.get(f"{kind}s", [])
    if not isinstance(entries, list):
        raise DocumentError(f"hint mlcraft:Data of {where}: {kind}s is {entries!r}; {_EXPECTED_DATA}")
    for item in entries:
        if not isinstance(item, dict) or item.keys() != {kind, "to"}:
            raise DocumentError(f"hint mlcraft:Data of {where} has {item!r} among its {kind}s; {_EXPECTED_DATA}")
        port, path = str(item[kind]), str(item["to"])
        if port not in known:
            raise DocumentError(
                f"hint mlcraft:Data of {where} names the {kind} {port}, which is none of its {kind}s "
                f"({', '.join(known) or 'it has none'})"
            )
        if fault := find_path_fault(path.rstrip("/")):
            raise DocumentError(f"hint mlcraft:Data of {where}: {path!r} cannot be the path of {port}: {fault}")
        yield port, path.rstrip("/")


def _check_fields(hint: Json, fields: tuple[str, ...], where: str) -> None:
    if not isinstance(hint, dict):
        raise DocumentError(f"hint mlcraft:Data of {where} is {hint!r}; {_EXPECTED_DATA}")
    for field in hint:
        if field not in fields:
            raise DocumentError(
                f"hint mlcraft:Data of {where} has the field {field}; expected one of {', '.join(fields)}"
            )


def _list_depth(step_layout: StepLayout) -> int:
    """How deep the lists of an output are nested, one level for each scatter around the step."""
    depth, axis = 0, step_layout.parent.axis
    while axis is not None:
        depth, axis = depth + 1, axis.parent
    if step_layout.step.scatter:
        depth += len(step_layout.step.scatter) if step_layout.step.scatter_method == "nested_crossproduct" else 1
    return depth
