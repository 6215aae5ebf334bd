"""A CWL document as a task group inside a DAG of native tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import TaskGroup, XComArg

from airflow_mlcraft.dag.build import build
from airflow_mlcraft.operators.base import plan_cache


class CwlTaskGroup(TaskGroup):
    """Runs a CWL workflow or tool inside a DAG.

    :param group_id: the group's id
    :param document: path of the document, with `#id` to pick one process of several
    :param inputs: the workflow's inputs; values may be results of other tasks. Without it, the inputs come
        from the run's configuration
    :param group_args: any argument of a task group

    The outputs are results that other tasks can take:

        counted = CwlTaskGroup("count", "count.cwl", inputs={"text": fetch()})
        report(counted.outputs["lines"])
    """

    def __init__(
        self,
        group_id: str,
        document: str | Path,
        inputs: Mapping[str, Any] | None = None,
        **group_args: Any,
    ) -> None:
        super().__init__(group_id=group_id, **group_args)
        path, _, fragment = str(document).partition("#")
        self.plan = plan_cache().plan_of(Path(path), fragment)
        with self:
            self.first, self.last = build(
                self.plan, prefix=f"{self.group_id}.", inputs=dict(inputs) if inputs is not None else None
            )

    @property
    def outputs(self) -> XComArg:
        """The output object; `group.outputs["name"]` is one output."""
        return XComArg(self.last)
