"""The operator of a step: it gathers and stages the inputs, runs the tool, stores the outputs, and logs them to MLflow.

The operators of the machine-learning steps (`operators.ml`) override some of its methods.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.inputs import REQUIREMENTS
from airflow_mlcraft.cwl.plan import Json, ToolRef
from airflow_mlcraft.cwl.step_inputs import evaluate_step_inputs, has_expressions, select_tool_inputs
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlPerItemOperator
from airflow_mlcraft.operators.failures import as_airflow_exceptions
from airflow_mlcraft.operators.links import DataVersionLink, MlflowRunLink, ReusedRunLink
from airflow_mlcraft.operators.reuse import (
    ReuseCache,
    compute_step_identity,
    find_replayed_inputs,
    find_replayed_outputs,
    is_reuse_allowed,
)
from airflow_mlcraft.operators.run_report import build_step_tags, log_step
from airflow_mlcraft.operators.task_files import TaskFiles, container_settings, open_task_files
from airflow_mlcraft.operators.task_run import TaskRun, task_run
from airflow_mlcraft.operators.values import UPDATES, Values, find_updates

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.inline_command import InlineCommand
    from airflow_mlcraft.cwl.orphaned_tools import ToolOwner


class CwlStepOperator(CwlPerItemOperator):
    """Runs the tool of one step; in a scatter, of one item."""

    operator_extra_links = (ReusedRunLink(), MlflowRunLink(), DataVersionLink())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # The operator links read these three attributes.
        self.reused_from: dict[str, Any] | None = None
        self.mlflow_page = ""
        self.version_task = ""
        self.task_run: TaskRun | None = None
        self._context: Context | None = None
        self._instance: Any = None
        self.step_layout: StepLayout | None = None
        self.updates: dict[str, Json] = {}
        """The files that the tool has changed in place, by their old location."""

    def execute(self, context: Context) -> Json:
        """Run the step inside its run in MLflow; returns its outputs."""
        self._context = context
        with as_airflow_exceptions(), task_run(self.load_plan(), context["ti"]) as self.task_run:
            outputs = super().execute(context)
            self.version_task = self.layout().version_task_of(self.step)
            self.mlflow_page = self.task_run.link() if self.task_run else ""
            return outputs

    def on_kill(self) -> None:
        """End the tool when the task is killed."""
        from airflow_mlcraft.cwl.tool import stop_tools

        stop_tools()

    def log_line(self, level: int, line: str) -> None:
        """Write a line to the task's log, and to the copy of it in the run in MLflow."""
        super().log_line(level, line)
        if self.task_run is not None:
            self.task_run.add_log_line(line)

    def execute_item(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The step's outputs, their files in the store; None when its condition is false."""
        if step_layout.step.scatter:
            raw = values.items(step_layout.axis).jobs[item] if step_layout.axis else None
        else:
            raw = values.step_inputs(step_layout, item)
        if raw is None:
            return None
        if self.task_run is not None:
            item_name = values.instance_name()
            self.task_run.open(f"{step_layout.step.id} {item_name}".strip())
        job_requirements: Json = []
        if self.load_plan().kind != "Workflow":
            job_requirements = (values.workflow_inputs(step_layout.parent, item) or {}).get(REQUIREMENTS, [])
        with open_task_files(self.base) as files:
            return self.run_item(raw, step_layout, values.ti, files, job_requirements)

    def run_item(
        self,
        raw: dict[str, Json],
        step_layout: StepLayout,
        instance: Any,
        files: TaskFiles,
        job_requirements: Json = (),
    ) -> dict[str, Json] | None:
        """The step's outputs from the values of its links; None when its condition is false.

        `instance` has the ids of the task instance, or of a step in a fused task. `job_requirements` are the
        `cwl:requirements` of the job object, for a tool that is the whole document.
        """
        self._instance, self.step_layout = instance, step_layout
        staged: dict[str, Json] = files.stage(raw, writable=step_layout.step.updates_in_place)
        job: dict[str, Json] | None = staged
        if has_expressions(step_layout.step):
            job = evaluate_step_inputs(step_layout.step, staged, step_layout.parent.workflow.expression_requirements)
        if job is None:
            return None
        tool = step_layout.step.run
        if not isinstance(tool, ToolRef):
            raise TypeError(f"{self.step} runs a workflow")
        document = self.load_tool(tool.digest)
        if job_requirements:
            document = {**document, "requirements": [*document["requirements"], *job_requirements]}
        files.add_input_files(document)
        inputs = select_tool_inputs(step_layout.step, job)
        if step_layout.step.updates_in_place:
            outputs = self._run_and_store(document, inputs, files)
            self.updates.update(find_updates(raw, files.keep(staged)))
            return outputs
        inputs = self.add_inputs(inputs, files, step_layout)
        outputs = self._run_or_reuse(tool, document, inputs, files, instance)
        self.handle_outputs(inputs, outputs, files, step_layout)
        return outputs

    def finish(self, ti: Any) -> None:
        """Push the files that the tool has changed in place."""
        if self.updates:
            ti.xcom_push(UPDATES, self.updates)

    # Methods for subclasses to override

    @classmethod
    def extra_task_args(cls, document: str) -> Mapping[str, Any]:
        """Arguments of the task that do not come from its step."""
        return {}

    def add_inputs(self, inputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout) -> dict[str, Json]:
        """The inputs of the tool, with those that the operator itself adds."""
        return inputs

    def inline_command(self, files: TaskFiles, identity: str) -> InlineCommand | None:
        """A function to call in this process in place of the tool's program; None to run the program."""
        return None

    def environment_key(self) -> str:
        """A key of what the outputs depend on besides the tool and its inputs."""
        return ""

    def is_reusable(self, outputs: dict[str, Json], files: TaskFiles) -> bool:
        """Whether another run on the same inputs may reuse these outputs."""
        return True

    def handle_outputs(
        self, inputs: dict[str, Json], outputs: dict[str, Json], files: TaskFiles, step_layout: StepLayout
    ) -> None:
        """Called with the outputs, whether they are new or reused."""

    def build_tool_owner(self, files: TaskFiles) -> ToolOwner:
        """The mark of this task on the processes of its tools; the store's path tells Airflows on a machine apart."""
        from airflow_mlcraft.cwl.orphaned_tools import ToolOwner

        ti = self._instance
        if ti is None:
            raise RuntimeError("the task is not being executed")
        names = {name: getattr(ti, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        return ToolOwner.of_task(files.store.root, *names.values(), **names, try_number=ti.try_number)

    # Running the tool

    def _run_or_reuse(
        self, tool: ToolRef, document: Json, inputs: dict[str, Json], files: TaskFiles, ti: Any
    ) -> dict[str, Json]:
        """The step's outputs, from this run of its tool or an earlier one on the same inputs."""
        replayed = find_replayed_outputs(ti)
        if replayed is not None:
            self.log_line(logging.INFO, "the outputs are those of the run that this one repeats")
            return {output: replayed.get(output) for output in output_names(document)}
        if replayed_inputs := find_replayed_inputs(ti):
            inputs = {**inputs, **files.stage(replayed_inputs)}
        identity = compute_step_identity(tool.digest, document, inputs, files, self.environment_key())
        self.reused_from = None
        name = self.step.rpartition("/")[2]
        cache = ReuseCache(files.store) if is_reuse_allowed(document, inputs, name) else None
        # A user who retries or clears a task wants it to run.
        record = cache.find(identity) if cache and ti.try_number == 1 else None
        if record is not None:
            producer = "{dag_id}.{task_id} in {run_id}".format_map(record)
            self.log_line(
                logging.INFO, f"the same tool has run on the same inputs: these are the outputs of {producer}"
            )
            self.reused_from = {name: record[name] for name in ("dag_id", "run_id", "task_id", "map_index")}
            outputs: dict[str, Json] = record["outputs"]
        else:
            outputs = self._run_and_store(document, inputs, files, identity)
            if cache and self.is_reusable(outputs, files):
                cache.save(identity, outputs, ti)
        if self.task_run is not None:
            tags = build_step_tags(self.task_run.tracking, tool, identity, self.reused_from)
            log_step(self.task_run, tags, inputs, outputs, files)
        return outputs

    def _run_and_store(
        self, document: Json, inputs: dict[str, Json], files: TaskFiles, identity: str = ""
    ) -> dict[str, Json]:
        """Run the tool, and put its outputs into the store."""
        self._end_orphaned_tools(files)
        with self.task_run.record_usage() if self.task_run is not None else nullcontext():
            outputs = self._run_tool(document, inputs, files, self.inline_command(files, identity))
        stored: dict[str, Json] = files.keep({name: outputs.get(name) for name in output_names(document)})
        return stored

    def _end_orphaned_tools(self, files: TaskFiles) -> None:
        """End the tool of an earlier try whose worker was lost: it would go on beside this one."""
        from airflow_mlcraft.cwl.orphaned_tools import kill_orphans

        if self._instance is None or self._instance.try_number == 1:
            return
        containers = container_settings()
        has_engine = containers.use != "never" and shutil.which(containers.engine)
        ended = kill_orphans(self.build_tool_owner(files), containers.engine if has_engine else "")
        if ended:
            self.log_warning(f"{ended} of an earlier try of this task ran still, and had to be ended")

    def _run_tool(
        self, document: Json, inputs: dict[str, Json], files: TaskFiles, command: InlineCommand | None
    ) -> dict[str, Json]:
        from airflow_mlcraft.cwl.tool import run_tool

        name = self.step.rpartition("/")[2]
        run = run_tool(
            document,
            inputs,
            name=name,
            folder=files.make_run_folder(),
            log=self.log_line,
            containers=container_settings(),
            command=command,
            owner=self.build_tool_owner(files),
        )
        log_parts = [f"{name} took {run.seconds:.2f} s"]
        if run.exit_code is not None:
            log_parts.append(f"exit code {run.exit_code}")
        if run.container:
            log_parts.append(f"container {run.container}")
        if run.resources:
            log_parts.append("reserved {cores:g} cores and {ram:g} MiB of memory".format_map(run.resources))
        self.log_line(logging.INFO, ", ".join(log_parts))
        return run.outputs


def output_names(document: Json) -> list[str]:
    """The names of a tool's outputs."""
    return [local_name(port["id"]) for port in document["outputs"]]
