"""The last task of a run: the workflow's outputs, their files under the names that people expect."""

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
from airflow_mlcraft.hooks.dvc import open_versioning, push_failures_fail
from airflow_mlcraft.layout.hints import DataHint
from airflow_mlcraft.layout.layout import Layout
from airflow_mlcraft.operators.assets import data_alias, tell_of_data
from airflow_mlcraft.operators.base import CwlOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.links import DataVersionLink
from airflow_mlcraft.operators.reuse import replaying
from airflow_mlcraft.operators.task_files import open_store
from airflow_mlcraft.operators.task_run import end_run
from airflow_mlcraft.operators.values import Values
from airflow_mlcraft.store.export import export_value

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.version import Version


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


class CwlVersionOperator(CwlOperator):
    """Versions what the document's `mlcraft:Data` hints name."""

    ui_color = "#e6f4ea"
    operator_extra_links = (DataVersionLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commit_page = ""

    def execute(self, context: Context) -> Json:
        """The commit, and of each path what it points to."""
        from airflow_mlcraft.versioning.targets import data_of

        ti = context["ti"]
        if replaying():
            raise AirflowSkipException("this run only repeats one of the past, whose data has its versions")
        with readable_failures():
            layout, values, store = self.layout(), Values(ti), open_store()
            found = {hint.path: data_of(store, _value(values, layout, hint), str(hint)) for hint in layout.data_hints}
            data = {path: item for path, item in found.items() if item is not None}
            for path in found.keys() - data.keys():
                self.say(logging.INFO, f"{path} stays as it was: this run has no value for it")
            if not data:
                raise AirflowSkipException("this run has made none of the data that is versioned")
            strict = push_failures_fail()
            versioning = open_versioning(Path(self.base), self.say)
            about = {"DAG": ti.dag_id, "Run": ti.run_id, "Document": self.document}
            version = versioning.version(data, store, about=about, again=ti.try_number > 1)
            self.commit_page = version.page
            self._report(version)
            if version.refusal and strict:
                raise VersioningError(version.refusal, temporary=True)
        for path in sorted(version.changed):
            extra = {**_fields(version, path), "commit": version.commit, "dag_id": ti.dag_id, "run_id": ti.run_id}
            tell_of_data(context, data_alias(self.document), version.repository, path, extra)
        return _summary(version)

    def _report(self, version: Version) -> None:
        for path, data in sorted(version.data.items()):
            state = "is new" if path in version.changed else "has not changed"
            self.say(logging.INFO, f"{path} {state}: md5 {data.oid}, {data.size} bytes")
        if version.changed:
            self.say(logging.INFO, f"commit {version.commit} of {version.repository}")
        if version.refusal:
            self.warn(version.refusal)
        elif version.pushed is not None:
            self.say(logging.INFO, f"{version.pushed} objects were pushed to the DVC remote")


def _value(values: Values, layout: Layout, hint: DataHint) -> Json:
    if hint.step:
        return values.step_output(layout.step(hint.step), hint.port)
    if hint.is_input:
        return (values.frame_inputs(layout.root, 0) or {}).get(hint.port)
    return values.outputs(layout.root).get(hint.port)


def _fields(version: Version, path: str) -> dict[str, Any]:
    data = version.data[path]
    return {"md5": data.oid, "size": data.size, **({} if data.nfiles is None else {"nfiles": data.nfiles})}


def _summary(version: Version) -> Json:
    paths = {path: {**_fields(version, path), "changed": path in version.changed} for path in sorted(version.data)}
    return {
        "repository": version.repository,
        "commit": version.commit,
        "data": paths,
        "pushed": version.pushed,
        "refused": version.refusal,
    }
