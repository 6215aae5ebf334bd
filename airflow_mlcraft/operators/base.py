"""What all operators of a CWL DAG share: which plan they belong to, and how they find their place in it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.portable import placed
from airflow_mlcraft.layout.layout import Layout, layout_of

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
        return layout_of(self.load_plan(), self.prefix)

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
