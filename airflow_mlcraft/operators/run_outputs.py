"""The last tasks of a run: the workflow's outputs in the output folder, and a commit that versions the run's data."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Context

from airflow_mlcraft import settings
from airflow_mlcraft.common.safe_names import to_safe_name
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.hooks.dvc import is_push_failure_fatal, open_versioning
from airflow_mlcraft.layout.hints import DataHint
from airflow_mlcraft.layout.layout import Layout
from airflow_mlcraft.operators.assets import add_data_event, data_alias
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.links import DataVersionLink
from airflow_mlcraft.operators.reuse import is_replay
from airflow_mlcraft.operators.task_files import open_store
from airflow_mlcraft.operators.task_run import end_run
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.store.export import export_value

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.version import Version


_PLACEHOLDER = re.compile(r"\{+ *(dag_id|run_id) *\}+")


class CwlOutputsOperator(CwlOperator):
    """Collects the workflow's outputs, and puts their files into the run's output folder under their own names."""

    ui_color = "#e6f4ea"

    def execute(self, context: Context) -> Json:
        """The output object."""
        ti = context["ti"]
        with as_airflow_exceptions():
            layout = self.layout()
            values = Values(ti)
            if values.workflow_inputs(layout.root, 0) is None:
                raise AirflowSkipException("the workflow was skipped")
            outputs = values.outputs(layout.root)
            folder = self._output_folder(ti.dag_id, ti.run_id)
            exported = export_value(open_store(), outputs, folder, writable=settings.get_bool("outputs_writable"))
        self.log_line(logging.INFO, f"the output files are in {folder}")
        end_run(layout.plan, ti)
        return exported

    def _output_folder(self, dag_id: str, run_id: str) -> Path:
        names = {"dag_id": to_safe_name(dag_id), "run_id": to_safe_name(run_id)}
        # Airflow strips one pair of braces from the defaults of providers.
        folder = _PLACEHOLDER.sub(lambda match: names[match.group(1)], settings.get("outputs"))
        # A task group of a larger DAG has its own folder below the run's.
        return Path(folder).expanduser() / self.prefix.rstrip(".")


class CwlVersionOperator(CwlOperator):
    """Versions the data that the document's `mlcraft:Data` hints name: one commit, and an asset event for each path."""

    ui_color = "#e6f4ea"
    operator_extra_links = (DataVersionLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commit_page = ""

    def execute(self, context: Context) -> Json:
        """The commit, and for each path the hash and size of its data."""
        from airflow_mlcraft.versioning.targets import to_dvc_data

        ti = context["ti"]
        if is_replay():
            raise AirflowSkipException("this run only repeats one of the past, whose data has its versions")
        with as_airflow_exceptions():
            layout, values, store = self.layout(), Values(ti), open_store()
            data_by_path = {
                hint.path: to_dvc_data(store, _value_of_hint(values, layout, hint), str(hint))
                for hint in layout.data_hints
            }
            data = {path: item for path, item in data_by_path.items() if item is not None}
            for path in data_by_path.keys() - data.keys():
                self.log_line(logging.INFO, f"{path} stays as it was: this run has no value for it")
            if not data:
                raise AirflowSkipException("this run has made none of the data that is versioned")
            strict = is_push_failure_fatal()
            versioning = open_versioning(Path(self.base), self.log_line)
            message_fields = {"DAG": ti.dag_id, "Run": ti.run_id, "Document": self.document}
            version = versioning.version_data(data, store, message_fields=message_fields, is_retry=ti.try_number > 1)
            self.commit_page = version.page
            self._log_version(version)
            if version.refusal and strict:
                raise VersioningError(version.refusal, temporary=True)
        for path in sorted(version.changed):
            extra = {**_data_fields(version, path), "commit": version.commit, "dag_id": ti.dag_id, "run_id": ti.run_id}
            add_data_event(context, data_alias(self.document), version.repository, path, extra)
        return _summary(version)

    def _log_version(self, version: Version) -> None:
        for path, data in sorted(version.data.items()):
            state = "is new" if path in version.changed else "has not changed"
            self.log_line(logging.INFO, f"{path} {state}: md5 {data.oid}, {data.size} bytes")
        if version.changed:
            self.log_line(logging.INFO, f"commit {version.commit} of {version.repository}")
        if version.refusal:
            self.log_warning(version.refusal)
        elif version.pushed is not None:
            self.log_line(logging.INFO, f"{version.pushed} objects were pushed to the DVC remote")


def _value_of_hint(values: Values, layout: Layout, hint: DataHint) -> Json:
    if hint.step:
        return values.collect_step_output(layout.step(hint.step), hint.port)
    if hint.is_input:
        return (values.workflow_inputs(layout.root, 0) or {}).get(hint.port)
    return values.outputs(layout.root).get(hint.port)


def _data_fields(version: Version, path: str) -> dict[str, Any]:
    data = version.data[path]
    return {"md5": data.oid, "size": data.size, **({} if data.nfiles is None else {"nfiles": data.nfiles})}


def _summary(version: Version) -> Json:
    paths = {path: {**_data_fields(version, path), "changed": path in version.changed} for path in sorted(version.data)}
    return {
        "repository": version.repository,
        "commit": version.commit,
        "data": paths,
        "pushed": version.pushed,
        "refused": version.refusal,
    }
