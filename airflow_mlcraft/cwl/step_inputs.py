"""Bring the values of a link together: its sources, linkMerge, pickValue and default."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from airflow_mlcraft.cwl.plan import Json, Link, Step
from airflow_mlcraft.errors import LinkError

ValueOf = Callable[[str], Json]
"""Gives the value of a source: `input` or `step/output`."""


def gather(links: Iterable[Link], value_of: ValueOf) -> dict[str, Json]:
    """The value of each link, before scatter and expressions."""
    return {link.id: value_of_link(link, value_of) for link in links}


def value_of_link(link: Link, value_of: ValueOf) -> Json:
    """The value that one link brings."""
    value = _pick(link, _merge(link, [value_of(source) for source in link.sources]))
    if value is None and link.has_default:
        value = link.default
    # A step may change what it gets; the value that its neighbours get is another.
    return copy.deepcopy(value)


def _merge(link: Link, values: list[Json]) -> Json:
    method = link.link_merge or ("merge_nested" if len(values) > 1 else "")
    if method == "merge_nested":
        return values
    if method == "merge_flattened":
        return [item for value in values for item in (value if isinstance(value, list) else [value])]
    return values[0] if values else None


def _pick(link: Link, value: Json) -> Json:
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
    """Whether a step's inputs are more than the values its links bring."""
    return bool(step.when) or any(link.value_from or link.load_contents for link in step.links)


def evaluate(step: Step, job: dict[str, Json], requirements: Json) -> dict[str, Json] | None:
    """A step's inputs after loadContents, valueFrom and when; None when the step is to be skipped.

    Files in the job must be where they can be read.
    """
    from cwltool.utils import normalizeFilesDirs

    normalizeFilesDirs(job)
    for link in step.links:
        if link.load_contents:
            _load_contents(job.get(link.id))
    evaluated = {
        **job,
        **{link.id: _value_from(step, link, job, requirements) for link in step.links if link.value_from},
    }
    if step.when and not _condition(step, evaluated, requirements):
        return None
    return evaluated


def tool_inputs(step: Step, job: dict[str, Json]) -> dict[str, Json]:
    """Only what the step's tool declares."""
    unbound = {link.id for link in step.links if link.unbound}
    return {name: value for name, value in job.items() if name not in unbound}


def _value_from(step: Step, link: Link, job: dict[str, Json], requirements: Json) -> Json:
    from cwltool.stdfsaccess import StdFsAccess
    from cwltool.utils import adjustDirObjs, get_listing

    context = copy.deepcopy(job.get(link.id))
    adjustDirObjs(context, lambda folder: get_listing(StdFsAccess(""), folder, recursive=True))
    return _eval(link.value_from, job, requirements, context, f"step {step.id}: valueFrom of {link.id}")


def _condition(step: Step, job: dict[str, Json], requirements: Json) -> bool:
    answer = _eval(step.when, job, requirements, None, f"step {step.id}: when")
    if not isinstance(answer, bool):
        raise LinkError(f"step {step.id}: when must give true or false, and {step.when} gave {answer!r}")
    return answer


def _eval(expression: str, job: dict[str, Json], requirements: Json, context: Json, where: str) -> Any:
    from cwl_utils.errors import JavascriptException, SubstitutionError
    from cwl_utils.expression import do_eval
    from cwltool.errors import WorkflowException

    from airflow_mlcraft.cwl import javascript
    from airflow_mlcraft.cwl.tool_log import complaint_of

    javascript.javascript_ready()
    seconds = javascript.STEP_SECONDS
    try:
        return do_eval(expression, job, requirements or [], None, None, {}, context=context, timeout=seconds)
    except (WorkflowException, JavascriptException, SubstitutionError, ValueError) as error:
        raise LinkError(f"{where}: {expression} could not be evaluated: {complaint_of(str(error))}") from error


def _load_contents(value: Json) -> None:
    from cwltool.builder import content_limit_respected_read
    from cwltool.stdfsaccess import StdFsAccess

    files: Sequence[Json] = value if isinstance(value, list) else [value]
    for file in files:
        if isinstance(file, dict) and file.get("contents") is None and "location" in file:
            with StdFsAccess("").open(file["location"], "rb") as stream:
                file["contents"] = content_limit_respected_read(stream)
