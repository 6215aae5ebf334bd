"""The inputs of a step: values of its links, then loadContents, valueFrom and when.

`resolve_links` applies source, linkMerge, pickValue and default; the outputs of a workflow are links as well. For a
scattered step, `scatter.compute_item_inputs` then computes the inputs of each item, and `evaluate_step_inputs`
evaluates the expressions of the step, or of the item.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Link, Step
from airflow_mlcraft.errors import LinkError

SourceValue = Callable[[str], Json]
"""Returns the value of a source, which is `input` or `step/output`."""


def resolve_links(links: Iterable[Link], source_value: SourceValue) -> dict[str, Json]:
    """The value of each link, before scatter and expressions."""
    return {link.id: resolve_link(link, source_value) for link in links}


def resolve_link(link: Link, source_value: SourceValue) -> Json:
    """The value of one link. Raises `LinkError` where pickValue does not hold."""
    value = _apply_pick_value(link, _apply_link_merge(link, [source_value(source) for source in link.sources]))
    if value is None and link.has_default:
        value = link.default
    # A copy, because a step may change its inputs, and other links with the same source must not change.
    return copy.deepcopy(value)


def _apply_link_merge(link: Link, values: list[Json]) -> Json:
    method = link.link_merge or ("merge_nested" if len(values) > 1 else "")
    if method == "merge_nested":
        return values
    if method == "merge_flattened":
        return [item for value in values for item in (value if isinstance(value, list) else [value])]
    return values[0] if values else None


def _apply_pick_value(link: Link, value: Json) -> Json:
    if not link.pick_value or not isinstance(value, list):
        return value
    present = [item for item in value if item is not None]
    if link.pick_value == "all_non_null":
        return present
    sources = ", ".join(link.sources)
    if not present:
        raise LinkError(f"{link.id}: pickValue {link.pick_value} expects a value, and all of {sources} are null")
    if link.pick_value == "the_only_non_null" and len(present) > 1:
        raise LinkError(
            f"{link.id}: pickValue the_only_non_null expects one value, and {len(present)} of {sources} are not null"
        )
    return present[0]


def has_expressions(step: Step) -> bool:
    """Whether a step has anything for `evaluate_step_inputs` to evaluate."""
    return bool(step.when) or any(link.value_from or link.load_contents for link in step.links)


def evaluate_step_inputs(step: Step, job: dict[str, Json], requirements: Json) -> dict[str, Json] | None:
    """A step's inputs, or those of one item of its scatter, after loadContents and valueFrom.

    Returns None when `when` is false, so that the step is skipped. The files in `job` must be readable.
    """
    from cwltool.utils import normalizeFilesDirs

    normalizeFilesDirs(job)
    for link in step.links:
        if link.load_contents:
            _load_contents(job.get(link.id))
    evaluated = {
        **job,
        **{
            link.id: _evaluate_value_from(step, link, job, requirements, job.get(link.id))
            for link in step.links
            if link.value_from
        },
    }
    if step.when and not _evaluate_when(step, evaluated, requirements):
        return None
    return evaluated


def evaluate_loop_inputs(
    step: Step, inputs: dict[str, Json], outputs: dict[str, Json], requirements: Json
) -> dict[str, Json]:
    """The inputs of the next iteration of a loop, from the inputs and outputs of the last one."""
    linked = resolve_links(step.loop, outputs.get)
    evaluated = {
        link.id: _evaluate_value_from(step, link, inputs, requirements, linked[link.id])
        for link in step.loop
        if link.value_from
    }
    return {**inputs, **linked, **evaluated}


def select_tool_inputs(step: Step, job: dict[str, Json]) -> dict[str, Json]:
    """The inputs that the step's tool declares."""
    unbound = {link.id for link in step.links if link.unbound}
    return {name: value for name, value in job.items() if name not in unbound}


def _evaluate_value_from(step: Step, link: Link, job: dict[str, Json], requirements: Json, value: Json) -> Json:
    from cwltool.stdfsaccess import StdFsAccess
    from cwltool.utils import adjustDirObjs, get_listing

    context = copy.deepcopy(value)
    adjustDirObjs(context, lambda folder: get_listing(StdFsAccess(""), folder, recursive=True))
    return evaluate_expression(link.value_from, job, requirements, context, f"step {step.id}: valueFrom of {link.id}")


def _evaluate_when(step: Step, job: dict[str, Json], requirements: Json) -> bool:
    result = evaluate_expression(step.when, job, requirements, None, f"step {step.id}: when")
    if not isinstance(result, bool):
        raise LinkError(f"step {step.id}: when must give true or false, and {step.when} gave {result!r}")
    return result


def evaluate_expression(expression: str, job: dict[str, Json], requirements: Json, context: Json, where: str) -> Any:
    """The value of an expression; `context` is its `self`. Raises `LinkError`, which begins with `where`."""
    from cwl_utils.errors import JavascriptException, SubstitutionError
    from cwl_utils.expression import do_eval
    from cwltool.errors import WorkflowException

    from airflow_mlcraft.cwl import javascript
    from airflow_mlcraft.cwl.tool_log import extract_error

    javascript.install_node_engine()
    seconds = javascript.STEP_SECONDS
    try:
        return do_eval(expression, job, requirements or [], None, None, {}, context=context, timeout=seconds)
    except (WorkflowException, JavascriptException, SubstitutionError, ValueError) as error:
        raise LinkError(f"{where}: {expression} could not be evaluated: {extract_error(str(error))}") from error


def _load_contents(value: Json) -> None:
    from cwltool.builder import content_limit_respected_read
    from cwltool.stdfsaccess import StdFsAccess

    files: Sequence[Json] = value if isinstance(value, list) else [value]
    for file in files:
        if isinstance(file, dict) and file.get("contents") is None and "location" in file:
            with StdFsAccess("").open(file["location"], "rb") as stream:
                file["contents"] = content_limit_respected_read(stream)
