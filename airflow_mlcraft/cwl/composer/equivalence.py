"""Comparison of a document with its Composer form, and of the plans of both."""

from __future__ import annotations

import json
from collections.abc import Iterator

from airflow_mlcraft.cwl.plan import Json, Link, Step, Workflow

_LIST_FIELDS = {"source", "outputSource", "scatter"}
_UNORDERED_FIELDS = {"requirements", "hints", "in", "out"}


def is_equivalent(document: Json, form: Json) -> bool:
    """Whether a document is already in the form, so that it can stay as it is."""
    return bool(_normalized(document) == _normalized(form))


def _normalized(node: Json) -> Json:
    if isinstance(node, list):
        return [_normalized(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {
        key: _normalized(item) for key, item in node.items() if not (key in _UNORDERED_FIELDS and item in (None, []))
    }
    for key in _LIST_FIELDS & result.keys():
        result[key] = result[key] if isinstance(result[key], list) else [result[key]]
    for key in _UNORDERED_FIELDS & result.keys():
        if isinstance(result[key], list):
            result[key] = sorted(result[key], key=lambda each: json.dumps(each, sort_keys=True))
    return result


def find_difference(plan: Workflow, form: Workflow) -> str:
    """The first difference of the plan of a form, ignoring names of steps and inputs; "" for none."""
    return next(_iter_differences(plan, form), "")


def _iter_differences(plan: Workflow, form: Workflow) -> Iterator[str]:
    if [len(plan.inputs), len(plan.outputs)] != [len(form.inputs), len(form.outputs)]:
        yield "it has other inputs or outputs"
    if len(plan.steps) != len(form.steps):
        yield f"it has {len(form.steps)} steps, and the document {len(plan.steps)}"
        return
    names, others = _source_labels(plan), _source_labels(form)
    for step, other in zip(plan.steps, form.steps, strict=True):
        if _comparable_step(step, names) != _comparable_step(other, others):
            yield f"the step {step.id} takes its inputs otherwise"
        if isinstance(step.run, Workflow) and isinstance(other.run, Workflow):
            yield from (f"in the step {step.id}, {field}" for field in _iter_differences(step.run, other.run))
    for output, other_output in zip(plan.outputs, form.outputs, strict=True):
        if _comparable_link(output, names) != _comparable_link(other_output, others):
            yield f"the output {output.id} is taken from elsewhere"


def _source_labels(workflow: Workflow) -> dict[str, str]:
    """A name for each source that does not depend on the ids of inputs and steps."""
    places = {port.id: f"input {number}" for number, port in enumerate(workflow.inputs)}
    for number, step in enumerate(workflow.steps):
        places |= {f"{step.id}/{output}": f"step {number} {place}" for place, output in enumerate(step.outputs)}
    return places


def _comparable_step(step: Step, places: dict[str, str]) -> Json:
    """A step's inputs without those that the form omits because nothing reads them."""
    inputs = [link for link in step.links if not link.unbound and (link.sources or link.has_default or link.value_from)]
    # The form may rename the inputs of a workflow, but not those of a tool.
    named = [] if isinstance(step.run, Workflow) else sorted(link.id for link in inputs)
    method = step.scatter_method if len(step.scatter) > 1 else ""
    return [
        sorted(json.dumps(_comparable_link(link, places)) for link in inputs),
        named,
        len(step.scatter),
        method,
        step.when,
    ]


def _comparable_link(link: Link, places: dict[str, str]) -> Json:
    merge = link.link_merge if len(link.sources) > 1 else ""
    sources = [places[source] for source in link.sources]
    return [sources, merge, link.pick_value, _without_paths(link.default), link.value_from, link.load_contents]


def _without_paths(value: Json) -> Json:
    """A value without the paths of files, which are relative to the document's folder."""
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_paths(item) for key, item in value.items() if key not in ("location", "path")}
