"""What Rabix Composer leaves out of a workflow, or writes so that it can be misread, mended as it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from cwltool.context import LoadingContext
from cwltool.process import Process
from cwltool.update import ORIGINAL_CWLVERSION
from cwltool.workflow import default_make_tool
from ruamel.yaml.comments import CommentedMap, CommentedSeq

_SBG = "https://www.sevenbridges.com/"
# The order in which a workflow of a person has them does not matter, and neither does that of ours.
_OF_EXPRESSIONS = ("StepInputExpressionRequirement", "InlineJavascriptRequirement")
_OF_LINKS = "MultipleInputFeatureRequirement"


def without_inner_ids(document: Any) -> None:
    """Forget the ids of the tools inside a workflow of Composer, which are those of their steps.

    They take part in the search for what `source` and `outputSource` name, and something else would be found.
    """
    if isinstance(document, dict) and document.get("cwlVersion") == "v1.0" and _is_sbg(document.get("$namespaces")):
        _forget_ids(document)


def _forget_ids(workflow: Mapping[str, Any]) -> None:
    steps = workflow.get("steps") or ()
    for step in steps.values() if isinstance(steps, dict) else steps:
        run = step.get("run") if isinstance(step, dict) else None
        if isinstance(run, MutableMapping):
            run.pop("id", None)
            _forget_ids(run)


def make_process(document: CommentedMap, context: LoadingContext) -> Process:
    """cwltool's object for a process of a document that is being loaded."""
    if document.get("class") == "Workflow" and _by_composer(context.metadata or {}):
        wanted = [*_missing_for_links(document), *_missing_for_expressions(document)]
        declared = {str(each["class"]) for each in document.get("requirements") or ()}
        missing = [CommentedMap({"class": name}) for name in wanted if name not in declared]
        if missing:
            document["requirements"] = CommentedSeq([*(document.get("requirements") or ()), *missing])
    return default_make_tool(document, context)


def _by_composer(metadata: Mapping[str, Any]) -> bool:
    """Composer writes v1.0, with positions under a prefix of its own."""
    return metadata.get(ORIGINAL_CWLVERSION) == "v1.0" and _is_sbg(metadata.get("$namespaces"))


def _is_sbg(namespaces: Any) -> bool:
    return isinstance(namespaces, dict) and _SBG in namespaces.values()


def _missing_for_expressions(document: Mapping[str, Any]) -> tuple[str, ...]:
    computed = any("valueFrom" in link for step in document["steps"] for link in step["in"])
    return _OF_EXPRESSIONS if computed else ()


def _missing_for_links(document: Mapping[str, Any]) -> tuple[str, ...]:
    links = [link.get("outputSource") for link in document["outputs"]]
    links += [link.get("source") for step in document["steps"] for link in step["in"]]
    return (_OF_LINKS,) if any(isinstance(link, list) and len(link) > 1 for link in links) else ()
