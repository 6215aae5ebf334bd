"""What a tool was run with: what its links brought, after expressions and the tool's own defaults."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlcraft.cwl.expressions import evaluate, tool_inputs
from airflow_mlcraft.cwl.plan import Json, ToolRef
from airflow_mlcraft.cwl.portable import placed
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.base import plan_cache
from airflow_mlcraft.operators.work import work
from airflow_mlcraft.provenance.ids import short_name


def inputs_of_tool(place: Place, raw: dict[str, Json], base: str) -> Mapping[str, Json]:
    """The inputs by name, their files in the store.

    The task kept none of this, so expressions are evaluated once more; `when` was true, or it had not run.
    """
    tool = place.step.run
    defaults = _defaults(plan_cache().tool(tool.digest)) if isinstance(tool, ToolRef) else {}
    computed = any(link.value_from for link in place.step.links)
    missing = {name: value for name, value in defaults.items() if raw.get(name) is None}
    if not computed and not missing:
        return tool_inputs(place.step, raw)
    try:
        with work(base) as task:
            job = raw
            if computed:
                staged = task.stage(raw)
                job = task.keep(evaluate(place.step, staged, place.frame.workflow.expression_requirements) or staged)
            missing = {name: value for name, value in defaults.items() if job.get(name) is None}
            return tool_inputs(place.step, {**job, **task.keep(placed(missing, base))})
    except MlcraftError:
        # An expression that fails is why the step did; what came before it is known all the same.
        return tool_inputs(place.step, raw)


def _defaults(document: Json) -> dict[str, Json]:
    return {short_name(port["id"]): port["default"] for port in document["inputs"] if port.get("default") is not None}
