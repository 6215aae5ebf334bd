"""A task that makes one value: of a step once, or in a scatter of one item, or of a chunk of items."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Context

from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.layout.frames import Place
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.spill import spilled
from airflow_mlcraft.operators.values import Values

ITEM_NAME = "cwl_item"


class CwlPerItemOperator(CwlOperator):
    """Runs `one` for each item that this task instance stands for."""

    def execute(self, context: Context) -> Json:
        """What came of the item; a list when there are several."""
        ti = context["ti"]
        with readable_failures():
            place = self.layout().place(self.step)
            values = Values(ti, place.axis)
            # For the template of the instance's name.
            context[ITEM_NAME] = values.own_name()  # type: ignore[literal-required]
            results = [self._named(values, place, item) for item in values.own_items()]
            if all(result is None for result in results):
                if place.axis is not None:
                    # Those who regroup the items must find a null in its place.
                    ti.xcom_push("return_value", None)
                raise AirflowSkipException(f"step {place.step.id} is not to run: its condition is false")
            self.finish(ti)
            return spilled(results if values.chunked() else results[0])

    def one(self, values: Values, place: Place, item: int) -> dict[str, Json] | None:
        """The value of one item; None when it is to be skipped."""
        raise NotImplementedError

    def finish(self, ti: Any) -> None:
        """What remains to be done once all items are there."""

    def _named(self, values: Values, place: Place, item: int) -> dict[str, Json] | None:
        """One bad item of many is to be found."""
        with readable_failures(f"item {item}" if place.axis is not None else ""):
            return self.one(values, place, item)
