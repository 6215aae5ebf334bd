"""What Rabix Composer leaves out when it saves a workflow, found again: the requirements of its expressions."""

from __future__ import annotations

from collections.abc import Mapping
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
    return metadata.get(ORIGINAL_CWLVERSION) == "v1.0" and _SBG in (metadata.get("$namespaces") or {}).values()


def _missing_for_expressions(document: Mapping[str, Any]) -> tuple[str, ...]:
    computed = any("valueFrom" in link for step in document["steps"] for link in step["in"])
    return _OF_EXPRESSIONS if computed else ()


def _missing_for_links(document: Mapping[str, Any]) -> tuple[str, ...]:
    links = [link.get("outputSource") for link in document["outputs"]]
    links += [link.get("source") for step in document["steps"] for link in step["in"]]
    return (_OF_LINKS,) if any(isinstance(link, list) and len(link) > 1 for link in links) else ()
