"""What all operators of a CWL DAG share: which plan they belong to, and how they find their place in it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import BaseOperator, Context

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.portable import placed
from airflow_mlcraft.layout.layout import Layout, build_layout
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.xcom_overflow import spilled

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Json, Plan


def plan_cache() -> PlanCache:
    """The plan cache that the settings name."""
    return PlanCache(settings.get_path("cache"), settings.get_list("allowed_document_hosts"))


class CwlOperator(BaseOperator):
    """A task of a CWL workflow.

    :param plan: digest of the plan; with it in the DAG, an edited document is a new DAG version
    :param base: folder that file locations in the document start from
    :param prefix: what the ids of the plan's tasks begin with, when they are in a task group
    :param step: path of the step in the plan, as `outer/inner`; empty for the workflow itself
    :param item: what this mapped instance stands for; given by the task that lists the items
    """

    template_fields: Sequence[str] = ("document", "step", "plan")
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        plan: str,
        base: str,
        document: str,
        prefix: str = "",
        step: str = "",
        item: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.plan = plan
        self.base = base
        self.document = document
        self.prefix = prefix
        self.step = step
        self.item = item

    def layout(self) -> Layout:
        """The plan as it is laid out in this DAG."""
        return build_layout(self.load_plan(), self.prefix)

    def load_plan(self) -> Plan:
        """The plan of this task; parsing the DAG file has put it into the cache."""
        return plan_cache().plan(self.plan, self.base)

    def load_tool(self, digest: str) -> Json:
        """A tool of the plan, the files of its defaults where they are."""
        return placed(plan_cache().tool(digest), self.base)

    def say(self, level: int, line: str) -> None:
        """Write a line to the task's log."""
        self.log.log(level, "%s", line)

    def warn(self, line: str) -> None:
        """Write a warning to the task's log."""
        self.say(logging.WARNING, line)


ITEM_NAME = "cwl_item"


class CwlPerItemOperator(CwlOperator):
    """Runs `one` for each item that this task instance stands for."""

    def execute(self, context: Context) -> Json:
        """What came of the item; a list when there are several."""
        ti = context["ti"]
        with readable_failures():
            step_layout = self.layout().step(self.step)
            values = Values(ti, step_layout.axis)
            # For the template of the instance's name.
            context[ITEM_NAME] = values.own_name()  # type: ignore[literal-required]
            results = [self._named(values, step_layout, item) for item in values.own_items()]
            if all(result is None for result in results):
                if step_layout.axis is not None:
                    # Those who regroup the items must find a null in its place.
                    ti.xcom_push("return_value", None)
                raise AirflowSkipException(f"step {step_layout.step.id} is not to run: its condition is false")
            self.finish(ti)
            return spilled(results if values.chunked() else results[0])

    def one(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The value of one item; None when it is to be skipped."""
        raise NotImplementedError

    def finish(self, ti: Any) -> None:
        """What remains to be done once all items are there."""

    def _named(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """One bad item of many is to be found."""
        with readable_failures(f"item {item}" if step_layout.axis is not None else ""):
            return self.one(values, step_layout, item)
