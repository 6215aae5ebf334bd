"""The last task of a run: the workflow's outputs, their files under the names that people expect."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.tracked import end_run
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.operators.work import open_store
from airflow_mlcraft.safe_names import to_safe_name
from airflow_mlcraft.store.export import export_value

_PLACEHOLDER = re.compile(r"\{+ *(dag_id|run_id) *\}+")


class CwlOutputsOperator(CwlOperator):
    """Collects the outputs, and puts their files into the run's output folder."""

    ui_color = "#e6f4ea"

    def execute(self, context: Context) -> Json:
        """The output object."""
        ti = context["ti"]
        with readable_failures():
            layout = self.layout()
            values = Values(ti)
            if values.frame_inputs(layout.root, 0) is None:
                raise AirflowSkipException("the workflow was skipped")
            outputs = values.outputs(layout.root)
            folder = self._folder(ti.dag_id, ti.run_id)
            exported = export_value(open_store(), outputs, folder, writable=settings.get_bool("outputs_writable"))
        self.say(logging.INFO, f"the output files are in {folder}")
        end_run(layout.plan, ti)
        return exported

    def _folder(self, dag_id: str, run_id: str) -> Path:
        names = {"dag_id": to_safe_name(dag_id), "run_id": to_safe_name(run_id)}
        # Airflow takes one pair of braces off the defaults of providers.
        folder = _PLACEHOLDER.sub(lambda found: names[found.group(1)], settings.get("outputs"))
        # A group of a larger DAG has a folder of its own in the run's.
        return Path(folder).expanduser() / self.prefix.rstrip(".")
