"""Normal form of a CWL document, to compare documents: its plan with the tools, without differences of notation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.compile import compile_document
from airflow_mlcraft.cwl.load import load

_WORKFLOW_REQUIREMENTS = (
    "SubworkflowFeatureRequirement",
    "ScatterFeatureRequirement",
    "MultipleInputFeatureRequirement",
    "StepInputExpressionRequirement",
)
_GENERATED_NAME = re.compile("[0-9a-f]{40}")
# JavaScript has no larger whole numbers.
_LARGEST_EXACT_INTEGER = 2**53
_IGNORED_KEYS = {
    "id",
    "digest",
    "interface",
    "name",
    "file",
    "document",
    "expression_requirements",
    "cwlVersion",
}


def normalize_document(path: Path, fragment: str = "") -> Any:
    """The normal form of the document at a path."""
    plan, tools = compile_document(load(path, fragment))
    return _workflow(plan.to_json()["root"], tools)


def _workflow(node: Any, tools: dict[str, Any]) -> Any:
    made = {key: item for key, item in node.items() if key not in _IGNORED_KEYS}
    made["inputs"] = [_normalize(port) for port in node.get("inputs", ())]
    made["steps"] = [_step(step, tools) for step in node.get("steps", ())]
    return made


def _step(step: Any, tools: dict[str, Any]) -> Any:
    run = step["run"]
    ran = _tool(tools[run["digest"]]) if "kind" in run else _workflow(run, tools)
    links = sorted(step.get("links", ()), key=lambda link: link["id"])
    return {**step, "run": ran, "links": [link for link in links if len(link) > 1]}


def _tool(document: Any) -> Any:
    made = {
        key: item for key, item in document.items() if key not in _IGNORED_KEYS and "$" not in key and "://" not in key
    }
    needs = {each["class"]: each for each in (*made.pop("hints", ()), *made.pop("requirements", ()))}
    for name in _WORKFLOW_REQUIREMENTS:
        needs.pop(name, None)
    if not needs.get("InlineJavascriptRequirement", {}).get("expressionLib"):
        needs.pop("InlineJavascriptRequirement", None)
    made["needs"] = {name: _normalize(each) for name, each in needs.items()}
    for side in ("inputs", "outputs"):
        made[side] = [
            {**_normalize(port), "id": port["id"].rpartition("#")[2].rpartition("/")[2]} for port in document[side]
        ]
    return {key: _normalize(item) for key, item in made.items() if item not in ([], None)}


def _normalize(node: Any) -> Any:
    """Remove names of types, and defaults that Composer writes explicitly."""
    if isinstance(node, list):
        return [_normalize(item) for item in node]
    if isinstance(node, str):
        # The name that cwltool gives to a stream is made of the text of the document.
        node = _GENERATED_NAME.sub("stream", node)
        return node.rpartition("#")[2].rpartition("/")[2] if node.startswith("cwldoc:") and "#" in node else node
    if isinstance(node, int) and abs(node) > _LARGEST_EXACT_INTEGER:
        return float(node)
    if not isinstance(node, dict):
        return node
    usual = {"position": 0, "separate": True, "shellQuote": True, "loadContents": False, "writable": False}
    kept = {key: item for key, item in node.items() if not (key in usual and item == usual[key])}
    if kept.get("type") in ("record", "enum"):
        kept.pop("name", None)
    made = {key: _normalize(item) for key, item in kept.items() if item not in (None, {}, [])}
    return {key: item for key, item in made.items() if item != {}}
