"""Repairs of workflows saved by Rabix Composer, applied when they are loaded: missing requirements, wrong ids."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from cwltool.context import LoadingContext
from cwltool.process import Process
from cwltool.update import ORIGINAL_CWLVERSION
from cwltool.workflow import default_make_tool
from ruamel.yaml.comments import CommentedMap, CommentedSeq

_SBG = "https://www.sevenbridges.com/"
# The order of requirements has no meaning, neither in a document nor here.
_EXPRESSION_REQUIREMENTS = ("StepInputExpressionRequirement", "InlineJavascriptRequirement")
_LINK_REQUIREMENT = "MultipleInputFeatureRequirement"


def remove_inner_tool_ids(document: Any) -> None:
    """Remove the ids of the tools inside a workflow saved by Composer, which equal the ids of their steps.

    References in `source` and `outputSource` would be resolved to the tools instead of the steps.
    """
    if (
        isinstance(document, dict)
        and document.get("cwlVersion") == "v1.0"
        and _has_sbg_namespace(document.get("$namespaces"))
    ):
        _remove_ids(document)


def _remove_ids(workflow: Mapping[str, Any]) -> None:
    steps = workflow.get("steps") or ()
    for step in steps.values() if isinstance(steps, dict) else steps:
        run = step.get("run") if isinstance(step, dict) else None
        if isinstance(run, MutableMapping):
            run.pop("id", None)
            _remove_ids(run)


def create_process(document: CommentedMap, context: LoadingContext) -> Process:
    """cwltool's object for a process of a document that is being loaded."""
    if document.get("class") == "Workflow" and _is_composer_document(context.metadata or {}):
        needed_requirements = [*_link_requirements(document), *_expression_requirements(document)]
        declared = {str(each["class"]) for each in document.get("requirements") or ()}
        missing = [CommentedMap({"class": name}) for name in needed_requirements if name not in declared]
        if missing:
            document["requirements"] = CommentedSeq([*(document.get("requirements") or ()), *missing])
    return default_make_tool(document, context)


def _is_composer_document(metadata: Mapping[str, Any]) -> bool:
    """Whether Composer has saved the document: it writes v1.0, with positions under a prefix of its own."""
    return metadata.get(ORIGINAL_CWLVERSION) == "v1.0" and _has_sbg_namespace(metadata.get("$namespaces"))


def _has_sbg_namespace(namespaces: Any) -> bool:
    return isinstance(namespaces, dict) and _SBG in namespaces.values()


def _expression_requirements(document: Mapping[str, Any]) -> tuple[str, ...]:
    has_value_from = any("valueFrom" in link for step in document["steps"] for link in step["in"])
    return _EXPRESSION_REQUIREMENTS if has_value_from else ()


def _link_requirements(document: Mapping[str, Any]) -> tuple[str, ...]:
    links = [link.get("outputSource") for link in document["outputs"]]
    links += [link.get("source") for step in document["steps"] for link in step["in"]]
    return (_LINK_REQUIREMENT,) if any(isinstance(link, list) and len(link) > 1 for link in links) else ()
