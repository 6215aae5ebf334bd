"""One step of a workflow: gather its inputs, stage their files, run its tool, keep what came out, report."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airflow_mlcraft.cwl.inputs import REQUIREMENTS
from airflow_mlcraft.cwl.plan import Json, ToolRef
from airflow_mlcraft.cwl.step_inputs import evaluate, has_expressions, tool_inputs
from airflow_mlcraft.layout.tasks import StepLayout
from airflow_mlcraft.operators.base import CwlPerItemOperator
from airflow_mlcraft.operators.failures import readable_failures
from airflow_mlcraft.operators.links import DataVersionLink, MlflowRunLink, ReusedRunLink
from airflow_mlcraft.operators.reuse import Reuse, identity_of, inputs_of_then, may_be_reused, outputs_of_then
from airflow_mlcraft.operators.run_report import facts_of_step, say_step
from airflow_mlcraft.operators.task_files import Work, containers, work
from airflow_mlcraft.operators.task_run import TaskRun, task_run
from airflow_mlcraft.operators.values import UPDATES, Values, updates_between

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.inline_command import OwnCommand
    from airflow_mlcraft.cwl.orphaned_tools import ToolOwner


class CwlStepOperator(CwlPerItemOperator):
    """Runs the tool of one step; in a scatter, of one item."""

    operator_extra_links = (ReusedRunLink(), MlflowRunLink(), DataVersionLink())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.made_by: dict[str, Any] | None = None
        self.mlflow_page = ""
        self.version_task = ""
        self._run: TaskRun | None = None
        self._context: Context | None = None
        self._updates: dict[str, Json] = {}

    def execute(self, context: Context) -> Json:
        """The step's outputs, and its run in MLflow."""
        self._context = context
        with readable_failures(), task_run(self.load_plan(), context["ti"]) as self._run:
            outputs = super().execute(context)
            self.version_task = self.layout().version_task_of(self.step)
            self.mlflow_page = self._run.link() if self._run else ""
            return outputs

    def on_kill(self) -> None:
        """End the tool when the task is told to stop."""
        from airflow_mlcraft.cwl.tool import stop_tools

        stop_tools()

    def say(self, level: int, line: str) -> None:
        """Write a line to the task's log, of which the run in MLflow keeps a copy."""
        super().say(level, line)
        if self._run is not None:
            self._run.hear(line)

    # What operators of a kind of their own do otherwise

    @classmethod
    def args_of(cls, document: str) -> Mapping[str, Any]:
        """Arguments of the task beside those that its step gives."""
        return {}

    def prepare(self, job: dict[str, Json], task: Work, step_layout: StepLayout) -> dict[str, Json]:
        """The inputs of the tool, with what the operator itself adds."""
        return job

    def command(self, task: Work, identity: str) -> OwnCommand | None:
        """What this process does in place of the program that a tool's command line names."""
        return None

    def surroundings(self) -> str:
        """What the outputs depend on besides the tool and its inputs."""
        return ""

    def conclude(self, given: dict[str, Json], outputs: dict[str, Json], task: Work, step_layout: StepLayout) -> None:
        """What follows from the outputs, made now or reused."""

    def one(self, values: Values, step_layout: StepLayout, item: int) -> dict[str, Json] | None:
        """The step's outputs, their files in the store."""
        if step_layout.step.scatter:
            raw = values.items(step_layout.axis).jobs[item] if step_layout.axis else None
        else:
            raw = values.step_inputs(step_layout, item)
        if raw is None:
            return None
        if self._run is not None:
            item_name = values.own_name()
            self._run.open(f"{step_layout.step.id} {item_name}".strip())
        with work(self.base) as task:
            staged: dict[str, Json] = task.stage(raw, writable=step_layout.step.updates_in_place)
            job: dict[str, Json] | None = staged
            if has_expressions(step_layout.step):
                job = evaluate(step_layout.step, staged, step_layout.parent.workflow.expression_requirements)
            if job is None:
                return None
            tool = step_layout.step.run
            if not isinstance(tool, ToolRef):
                raise TypeError(f"{self.step} runs a workflow")
            document = self.load_tool(tool.digest)
            if self.load_plan().kind != "Workflow":
                document = _with_requirements(document, values.frame_inputs(step_layout.parent, item) or {})
            task.bring(document)
            given = tool_inputs(step_layout.step, job)
            if step_layout.step.updates_in_place:
                kept = self._kept(document, given, task)
                self._updates.update(updates_between(raw, task.keep(staged)))
                return kept
            given = self.prepare(given, task, step_layout)
            outputs = self._made(tool, document, given, task, values.ti)
            self.conclude(given, outputs, task, step_layout)
            return outputs

    def _made(self, tool: ToolRef, document: Json, given: dict[str, Json], task: Work, ti: Any) -> dict[str, Json]:
        """The step's outputs, by this run of its tool or an earlier one on the same inputs."""
        then = outputs_of_then(ti)
        if then is not None:
            self.say(logging.INFO, "the outputs are those of the run that this one repeats")
            return {output: then.get(output) for output in outputs_of(document)}
        if more := inputs_of_then(ti):
            given = {**given, **task.stage(more)}
        identity = identity_of(tool.digest, document, given, task, self.surroundings())
        self.made_by = None
        reuse = Reuse(task.store) if may_be_reused(document) else None
        # Who retries or clears a task wants it to run.
        found = reuse.find(identity) if reuse and ti.try_number == 1 else None
        if found is not None:
            who = "{dag_id}.{task_id} in {run_id}".format_map(found)
            self.say(logging.INFO, f"the same tool has run on the same inputs: these are the outputs of {who}")
            self.made_by = {name: found[name] for name in ("dag_id", "run_id", "task_id", "map_index")}
            outputs: dict[str, Json] = found["outputs"]
        else:
            outputs = self._kept(document, given, task, identity)
            if reuse and self.may_be_remembered(outputs, task):
                reuse.remember(identity, outputs, ti)
        if self._run is not None:
            facts = facts_of_step(self._run.tracking, tool, identity, self.made_by)
            say_step(self._run, facts, given, outputs, task)
        return outputs

    def may_be_remembered(self, outputs: dict[str, Json], task: Work) -> bool:
        """Whether these outputs may stand for those of another run on the same inputs."""
        return True

    def _kept(self, document: Json, given: dict[str, Json], task: Work, identity: str = "") -> dict[str, Json]:
        self._end_what_is_left(task)
        with self._run.measured() if self._run is not None else nullcontext():
            outputs = self._run_tool(document, given, task, self.command(task, identity))
        kept: dict[str, Json] = task.keep({name: outputs.get(name) for name in outputs_of(document)})
        return kept

    def owner_of_tools(self, task: Work) -> ToolOwner:
        """What the tools of this task are marked with; the store tells Airflows on one machine apart."""
        from airflow_mlcraft.cwl.orphaned_tools import ToolOwner

        if self._context is None:
            raise RuntimeError("the task is not being executed")
        ti = self._context["ti"]
        names = {name: getattr(ti, name) for name in ("dag_id", "run_id", "task_id", "map_index")}
        return ToolOwner.of_task(task.store.root, *names.values(), **names, try_number=ti.try_number)

    def _end_what_is_left(self, task: Work) -> None:
        """End the tool of an earlier try whose worker was lost: it would go on beside this one."""
        from airflow_mlcraft.cwl.orphaned_tools import end_what_is_left

        if self._context is None or self._context["ti"].try_number == 1:
            return
        engine = containers()
        used = engine.use != "never" and shutil.which(engine.engine)
        ended = end_what_is_left(self.owner_of_tools(task), engine.engine if used else "")
        if ended:
            self.warn(f"{ended} of an earlier try of this task ran still, and had to be ended")

    def _run_tool(
        self, document: Json, job: dict[str, Json], task: Work, command: OwnCommand | None
    ) -> dict[str, Json]:
        from airflow_mlcraft.cwl.tool import run_tool

        name = self.step.rpartition("/")[2]
        run = run_tool(
            document,
            job,
            name=name,
            folder=task.room(),
            log=self.say,
            containers=containers(),
            command=command,
            owner=self.owner_of_tools(task),
        )
        facts = [f"{name} took {run.seconds:.2f} s"]
        if run.exit_code is not None:
            facts.append(f"exit code {run.exit_code}")
        if run.container:
            facts.append(f"container {run.container}")
        if run.resources:
            facts.append("reserved {cores:g} cores and {ram:g} MiB of memory".format_map(run.resources))
        self.say(logging.INFO, ", ".join(facts))
        return run.outputs

    def finish(self, ti: Any) -> None:
        """Tell which files the tool has changed in place."""
        if self._updates:
            ti.xcom_push(UPDATES, self._updates)


def outputs_of(document: Json) -> list[str]:
    """What a tool's outputs are called."""
    return [port["id"].rpartition("#")[2].rpartition("/")[2] for port in document["outputs"]]


def _with_requirements(document: Json, inputs: dict[str, Json]) -> Json:
    """A job object may ask for requirements of a tool that is the whole document."""
    asked = inputs.get(REQUIREMENTS, [])
    return {**document, "requirements": [*document["requirements"], *asked]} if asked else document
