"""The plan of a CWL document: frozen dataclasses without unresolved references.

A plan has the steps and links, and is read from and written to JSON. The tools are stored separately, by
`ToolRef.digest`, because building a DAG needs none of them, and a task needs one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value that JSON can write: what CWL calls an object, in plain Python."""


def hash_json(value: Json) -> str:
    """A stable content hash of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Port:
    """An input parameter of a workflow (or of a bare tool)."""

    id: str
    type: Json
    label: str = ""
    doc: str = ""
    default: Json = None
    has_default: bool = False
    format: Json = None
    secondary_files: Json = None
    load_contents: bool = False
    load_listing: str = ""
    choices: Json = None
    """The values allowed for the input, or for each item of its list: `mlcraft:choices`."""

    @property
    def optional(self) -> bool:
        """Whether a run may leave this input out."""
        return self.has_default or self.type == "null" or (isinstance(self.type, list) and "null" in self.type)


@dataclass(frozen=True, slots=True)
class Link:
    """The sources and options of one step input, or one workflow output."""

    id: str
    sources: tuple[str, ...] = ()
    """Each "input" (of the workflow around it) or "step/output"."""
    link_merge: str = ""
    pick_value: str = ""
    default: Json = None
    has_default: bool = False
    value_from: str = ""
    load_contents: bool = False
    unbound: bool = False
    """Whether only expressions use the input: the step's tool does not declare it."""


@dataclass(frozen=True, slots=True)
class ToolRef:
    """A tool that a step runs; its document is stored under its digest."""

    digest: str
    kind: str
    id: str = ""
    label: str = ""
    doc: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a workflow."""

    id: str
    run: ToolRef | Workflow
    links: tuple[Link, ...] = ()
    outputs: tuple[str, ...] = ()
    label: str = ""
    doc: str = ""
    scatter: tuple[str, ...] = ()
    scatter_method: str = ""
    when: str = ""
    resources: Json = None
    """The fields of ResourceRequirement that are numbers, not expressions."""
    time_limit: float = 0
    updates_in_place: bool = False
    """Whether its tool changes its input files, and later steps that read them see the change."""
    hints: Json = None
    """The `mlcraft:` hints by class name, without the prefix."""
    loop: tuple[Link, ...] = ()
    """The inputs of the next iteration; each source is an output of this step."""
    output_method: str = ""
    """Of a loop: `last_iteration` or `all_iterations`."""
    fused: bool = False
    """Whether all its tools run in one task: those of its sub-workflow, or of all items of its scatter."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow: the document's own, or one that a step runs."""

    id: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Link, ...] = ()
    steps: tuple[Step, ...] = ()
    label: str = ""
    doc: str = ""
    expression_requirements: Json = None
    """The requirements in effect for expressions in links."""
    hints: Json = None
    interface: str = ""
    """The digest of the process document that checks the inputs of this workflow."""

    def step(self, step_id: str) -> Step:
        """The step with that id."""
        return next(step for step in self.steps if step.id == step_id)


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled document."""

    digest: str
    """The hash of everything in this plan and of all its tools."""
    root: Workflow
    document: str
    """The document's file name, with `#id` where it picks one process of several."""
    kind: str
    cwl_version: str
    namespaces: Json = None
    """The prefixes that a run's inputs may use in `format`."""
    file: str = ""
    """The document's path below `base`."""
    base: str = field(default="", compare=False)
    """The folder that relative file locations of the document start from. Not part of the digest."""

    def __hash__(self) -> int:
        return hash((self.digest, self.base))

    def to_json(self) -> Json:
        """The plan as JSON, without empty fields and without what depends on the folder of the document."""
        return {key: value for key, value in _to_json_value(self).items() if key not in ("digest", "base")}

    @classmethod
    def from_json(cls, data: Json, *, digest: str, base: str) -> Plan:
        """The inverse of `to_json`."""
        return cls(**{**data, "root": _workflow_from_json(data["root"]), "digest": digest, "base": base})


def _to_json_value(node: Any) -> Any:
    """Dataclasses as dictionaries without fields that have their default value."""
    if isinstance(node, tuple):
        return [_to_json_value(item) for item in node]
    if not isinstance(node, (Port, Link, ToolRef, Step, Workflow, Plan)):
        return node
    values = ((f, getattr(node, f.name)) for f in fields(node))
    return {f.name: _to_json_value(value) for f, value in values if value != f.default}


def _workflow_from_json(data: Json) -> Workflow:
    return Workflow(
        **{
            **data,
            "inputs": tuple(Port(**port) for port in data.get("inputs", ())),
            "outputs": tuple(_link_from_json(link) for link in data.get("outputs", ())),
            "steps": tuple(_step_from_json(step) for step in data.get("steps", ())),
        }
    )


def _step_from_json(data: Json) -> Step:
    run = data["run"]
    return Step(
        **{
            **data,
            "run": _workflow_from_json(run) if "kind" not in run else ToolRef(**run),
            "links": tuple(_link_from_json(link) for link in data.get("links", ())),
            "outputs": tuple(data.get("outputs", ())),
            "scatter": tuple(data.get("scatter", ())),
            "loop": tuple(_link_from_json(link) for link in data.get("loop", ())),
        }
    )


def _link_from_json(data: Json) -> Link:
    return Link(**{**data, "sources": tuple(data.get("sources", ()))})


_COMPILER_REVISION = 10


@cache
def compiler_version() -> str:
    """The version of the compiler, which is a part of each plan's digest."""
    from importlib.metadata import version

    return f"{_COMPILER_REVISION}/{version('cwltool')}"
