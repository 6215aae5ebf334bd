"""The base classes of the operators of a CWL DAG: access to the plan, and execution once per item of a scatter."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import BaseOperator, Context

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.portable import restore_locations
from airflow_mlcraft.layout.layout import Layout, build_layout
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.xcom_overflow import to_xcom

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.cwl.tool_log import LogLine


class CwlOperator(BaseOperator):
    """A task of a CWL workflow.

    :param plan: digest of the plan; with it in the DAG, an edited document is a new DAG version
    :param base: folder that file locations in the document start from
    :param prefix: what the ids of the plan's tasks begin with, when they are in a task group
    :param step: path of the step in the plan, as `outer/inner`; empty for the workflow itself
    :param item: the name of the item of a mapped instance; set by the task that lists the items
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
        self.log_sink: LogLine | None = None
        """Takes the log lines of a step without a task of its own; the task's log takes them otherwise."""

    def layout(self) -> Layout:
        """The tasks that the plan has in this DAG."""
        return build_layout(self.load_plan(), self.prefix)

    def load_plan(self) -> Plan:
        """The plan of this task, from the cache; the parse of the DAG file has put it there."""
        return open_plan_cache().plan(self.plan, self.base)

    def load_tool(self, digest: str) -> Json:
        """A tool of the plan, the files of its defaults with absolute locations."""
        return restore_locations(open_plan_cache().tool(digest), self.base)

    def write_log(self, level: int, line: str) -> None:
        """Write a line to the log, without its copy in MLflow."""
        if self.log_sink is not None:
            self.log_sink(level, line)
        else:
            self.log.log(level, "%s", line)

    def log_line(self, level: int, line: str) -> None:
        """Write a line to the task's log, and to its copies."""
        self.write_log(level, line)

    def log_warning(self, line: str) -> None:
        """Write a warning to the task's log."""
        self.log_line(logging.WARNING, line)


ITEM_NAME = "cwl_item"
"""The key of a task's context that `map_index_template` reads the name of the mapped instance from."""


class CwlPerItemOperator(CwlOperator):
    """Calls `execute_item` for each item of this task instance: the only one, one of a scatter, or a chunk of them."""

    def execute(self, context: Context) -> Json:
        """The value of the item; a list of values for a chunk of items. Skips the task when all are None."""
        ti = context["ti"]
        with as_airflow_exceptions():
            step_layout = self.layout().step(self.step)
            values = Values(ti, step_layout.axis)
            context[ITEM_NAME] = values.instance_name()  # type: ignore[literal-required]
            results = [self._execute_item(values, step_layout, item) for item in values.instance_items()]
            if all(result is None for result in results):
                if step_layout.axis is not None:
                    # Tasks that regroup the items need a null for this one.
                    ti.xcom_push("return_value", None)
                raise AirflowSkipException(f"step {step_layout.step.id} is not to run: its condition is false")
            self.finish(ti)
            return to_xcom(results if values.is_chunked() else results[0])

    def execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The value of one item; None when it is to be skipped."""
        raise NotImplementedError

    def finish(self, ti: Any) -> None:
        """Called once, after all items."""

    def _execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """Run `execute_item`; in a scatter, an error names the item."""
        with as_airflow_exceptions(f"item {item}" if step_layout.axis is not None else ""):
            return self.execute_item(values, step_layout, item)
