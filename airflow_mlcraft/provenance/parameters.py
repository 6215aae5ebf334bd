"""An input or output of a process, as an entity."""

from __future__ import annotations

from typing import Any

from rocrate.model import Entity
from rocrate.rocrate import ROCrate

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.provenance.ids import part_of
from airflow_mlcraft.provenance.parameter_types import ParameterType


def add_parameter(crate: ROCrate, owner: Entity, kind: str, name: str, *, takes: ParameterType, facts: Json) -> None:
    """Add one of a process' `inputs` or `outputs`; `facts` are what its document says of it."""
    properties: dict[str, Any] = {}
    if takes.several:
        properties["multipleValues"] = True
    if takes.pattern:
        properties["valuePattern"] = takes.pattern
    if isinstance(facts.get("format"), str):
        properties["encodingFormat"] = facts["format"]
    if isinstance(facts.get("default"), (str, int, float)):
        properties["defaultValue"] = str(facts["default"])
    doc = facts.get("doc") or ""
    parameter = crate.add_formal_parameter(
        name,
        takes.types[0] if len(takes.types) == 1 else list(takes.types),
        identifier=part_of(owner.id, kind, name),
        description="\n".join(doc) if isinstance(doc, list) else doc,
        valueRequired=not takes.optional and facts.get("default") is None,
        properties=properties,
    )
    owner.append_to(kind.removesuffix("s"), parameter)
