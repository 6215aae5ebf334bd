"""Execution of a single CommandLineTool or ExpressionTool by cwltool."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from cwltool.command_line_tool import CommandLineTool
from cwltool.context import LoadingContext, RuntimeContext
from cwltool.errors import UnsupportedRequirement, WorkflowException
from cwltool.job import JobBase
from cwltool.mutation import MutationManager
from cwltool.process import Process
from cwltool.update import INTERNAL_VERSION, ORIGINAL_CWLVERSION
from cwltool.workflow import default_make_tool
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from schema_salad.exceptions import ValidationException
from schema_salad.sourceline import cmap

from airflow_mlcraft.adapters.cwltool import (
    CollectOutputs,
    pop_running_processes,
    replace_container_monitor,
    set_base_types,
    wrap_output_collection,
)
from airflow_mlcraft.common.safe_names import check_names, without_dirnames
from airflow_mlcraft.cwl import javascript
from airflow_mlcraft.cwl.containers import Containers, get_image, kill_container, kill_container_of, uses_container
from airflow_mlcraft.cwl.inline_command import InlineCommand, run_inline
from airflow_mlcraft.cwl.ontology import ONTOLOGY, build_graph
from airflow_mlcraft.cwl.orphaned_tools import ToolOwner, kill_processes, kill_running, mark_job
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.staging import guard_staging
from airflow_mlcraft.cwl.tool_log import LogLine, ToolStreams, tool_log
from airflow_mlcraft.errors import InputError, OutputError, ToolError, UnsafeNameError, UnsupportedError

_CWLTOOL_PREFIX = "http://commonwl.org/cwltool#"
# Seconds for a container to end by itself.
CONTAINER_STOP_SECONDS = 2.0
_SIGNAL_EXIT_BASE = 128
"""The number that shells and container engines add to that of the signal which has ended a program."""
_EXTERNAL_SIGNALS = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM})
"""Signals that come from outside of a program; SIGSEGV and similar ones are caused by the program itself."""
_EXTERNAL_SHELL_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM})
"""129 and 130 are exit codes that programs give for other reasons."""


@dataclass
class ToolResult:
    """The result of one run of a tool."""

    outputs: dict[str, Json]
    exit_code: int | None
    seconds: float
    container: str
    resources: dict[str, float]


def build_process(document: Json) -> Process:
    """cwltool's object for a tool of a plan, without resolving, fetching or validating anything again."""
    context = LoadingContext(
        {
            "construct_tool_object": default_make_tool,
            "disable_js_validation": True,
            "relax_path_checks": True,
            "metadata": {
                "cwlVersion": INTERNAL_VERSION,
                ORIGINAL_CWLVERSION: document.get(ORIGINAL_CWLVERSION, "v1.2"),
            },
        }
    )
    set_base_types()
    # A copy, because cwltool changes the documents that it gets.
    fields = {key: value for key, value in document.items() if key != ONTOLOGY}
    process = default_make_tool(cast(CommentedMap, cmap(_to_cwltool_value(fields))), context)
    if ONTOLOGY in document:
        process.formatgraph = build_graph(document[ONTOLOGY])
    return process


def run_tool(
    document: Json,
    job: dict[str, Json],
    *,
    name: str,
    folder: Path,
    log: LogLine,
    containers: Containers,
    command: InlineCommand | None = None,
    owner: ToolOwner | None = None,
) -> ToolResult:
    """Run a tool on inputs whose files are in place. The files of the outputs are below `folder`.

    With an owner, the tool is ended when this process is killed.
    """
    javascript.install_node_engine()
    started = time.monotonic()
    with tool_log(log) as streams:
        try:
            process = build_process(document)
            in_container = uses_container(process, containers, log)
            context = _context(name, folder, streams, containers=containers, in_container=in_container)
            # The store identifies files by other hashes; sha1 is computed where an expression reads it.
            context.compute_checksum = "checksum" in json.dumps(document["outputs"])
            mark = partial(mark_job, owner=owner, engine=containers.engine) if owner else None
            run = _Run(process, context, partial(_run_inline, command, streams) if command else None, mark)
            check_names(job)
            outputs, status = run.execute(_to_cwltool_value(without_dirnames(job)))
        except UnsupportedRequirement as error:
            raise UnsupportedError(_one_line(error), path=name) from error
        except (WorkflowException, ValidationException) as error:
            raise _input_error(name, error) from error
        except UnsafeNameError as error:
            raise InputError(f"{name}: {error}") from None
    if status != "success" or outputs is None:
        if owner:
            # Child processes of the tool do not end with it, as at a time limit.
            kill_processes(owner.mark)
        last_lines = streams.failure_lines()
        if signal_name := run.external_signal(time.monotonic() - started):
            why = f"the tool of {name} failed: it was ended from outside by {signal_name}"
            hint = "; is there enough memory for it?" if signal_name == "SIGKILL" else ""
            raise ToolError(f"{why}{hint}", temporary=True)
        why = (command and command.error_message(last_lines)) or _failure_message(
            name, run, last_lines, time.monotonic() - started
        )
        raise ToolError(why, temporary=status == "temporaryFail")
    _check_output_names(name, outputs)
    return ToolResult(
        outputs=_without_cwltool_fields(outputs),
        exit_code=run.exit_code,
        seconds=time.monotonic() - started,
        container=get_image(process) if in_container else "",
        resources=run.resources,
    )


def _check_output_names(name: str, outputs: Json) -> None:
    """Check the names of outputs, which may come from cwl.output.json or an expression and are not trusted."""
    try:
        check_names(outputs)
    except UnsafeNameError as error:
        raise OutputError(f"{name}: an output is refused: {error}") from None


def stop_tools() -> None:
    """End the tools of this process, because the task was told to stop."""
    for process in pop_running_processes():
        if process.poll() is None and isinstance(process.args, list):
            kill_container_of(process.args)
        process.kill()
    kill_running()


def _run_inline(command: InlineCommand, streams: ToolStreams, job: JobBase) -> None:
    run_inline(job, command, lambda line: streams.stderr.write(f"{line}\n".encode()))


class _Run:
    def __init__(
        self,
        process: Process,
        context: RuntimeContext,
        prepare: Callable[[JobBase], None] | None,
        mark: Callable[[JobBase], None] | None,
    ):
        self.process = process
        self.context = context
        self.prepare = prepare
        self.mark = mark
        self.exit_code: int | None = None
        self.limit: int | None = None
        self.resources: dict[str, float] = {}
        self._documented_codes: set[int] = set()
        self._outputs: dict[str, Json] | None = None
        self._status = "permanentFail"

    def execute(self, job_order: dict[str, Json]) -> tuple[dict[str, Json] | None, str]:
        for job in self.process.job(cast(Any, job_order), self._receive, self.context):
            if job is None:
                raise WorkflowException("the tool cannot go on")
            if isinstance(job, JobBase):
                guard_staging(job, in_container=bool(self.context.use_container))
                self._watch(job)
                if self.mark is not None:
                    self.mark(job)
                if self.prepare is not None:
                    self.prepare(job)
            job.run(self.context)
        return self._outputs, self._status

    def external_signal(self, seconds: float) -> str:
        """The signal that ended the tool from outside; "" if it ended by itself or at its time limit.

        Such an end says nothing about the tool, unless the document defines the meaning of the exit code.
        """
        code = self.exit_code
        if code is None or code in self._documented_codes or (self.limit and seconds >= self.limit):
            return ""
        number = -code if code < 0 else code - _SIGNAL_EXIT_BASE
        if number in _EXTERNAL_SIGNALS and (code < 0 or number in _EXTERNAL_SHELL_SIGNALS):
            return signal.Signals(number).name
        return ""

    def _receive(self, outputs: Any, status: str) -> None:
        self._outputs, self._status = outputs, status

    def _watch(self, job: JobBase) -> None:
        """Record the exit code when cwltool collects the outputs, as cwltool does not report it.

        A failed tool need not have outputs. cwltool would treat a missing one as a permanent failure, even if the
        tool's
        exit code means that another try may succeed.
        """
        self.limit = job.timelimit
        self._documented_codes = {*job.successCodes, *job.temporaryFailCodes, *job.permanentFailCodes}
        self.resources = {name: float(value) for name, value in job.builder.resources.items()}

        def collect_and_record(collect: CollectOutputs, outdir: str, exit_code: int) -> Any:
            self.exit_code = exit_code
            return {} if _has_failed(job, exit_code) else collect(outdir, exit_code)

        wrap_output_collection(job, collect_and_record)
        # cwltool's own function polls the container once a second.
        replace_container_monitor(job, partial(_wait_for_container, job.timelimit))


def _wait_for_container(  # noqa: PLR0917
    limit: int | None,
    cidfile: str,
    tmpdir_prefix: str,
    cleanup_cidfile: bool,
    docker_exe: str,
    process: subprocess.Popen[str],
) -> None:
    """Wait for a container. At its time limit cwltool asks it to end, which its first process may ignore."""
    timeout = limit + CONTAINER_STOP_SECONDS if limit else None
    while True:
        try:
            process.wait(timeout)
            break
        except subprocess.TimeoutExpired:
            # Repeated, because a container that starts slowly has no id yet.
            kill_container(Path(cidfile), docker_exe)
            timeout = CONTAINER_STOP_SECONDS
    if cleanup_cidfile:
        Path(cidfile).unlink(missing_ok=True)


def _has_failed(job: JobBase, exit_code: int) -> bool:
    """Whether a job has failed, by cwltool's own rules."""
    if exit_code in job.successCodes:
        return False
    return exit_code != 0 or exit_code in (*job.temporaryFailCodes, *job.permanentFailCodes)


def _context(
    name: str, folder: Path, streams: ToolStreams, *, containers: Containers, in_container: bool
) -> RuntimeContext:
    for subfolder in ("out", "tmp", "stage"):
        (folder / subfolder).mkdir(exist_ok=True)
    prefix = str(folder / "tmp") + "/"
    return RuntimeContext(
        {
            "name": name,
            "basedir": str(folder),
            "outdir": str(folder / "out"),
            "tmpdir_prefix": prefix,
            "tmp_outdir_prefix": prefix,
            "stagedir": "" if in_container else str(folder / "stage"),
            "use_container": in_container,
            "pull_image": containers.pull,
            "custom_net": containers.network or None,
            "podman": containers.podman,
            "default_stdout": streams.stdout,
            "default_stderr": streams.stderr,
            "mutation_manager": MutationManager(),
            "workflow_eval_lock": threading.Condition(threading.RLock()),
            "eval_timeout": javascript.TOOL_SECONDS,
        }
    )


def _without_cwltool_fields(node: Json) -> Json:
    """Outputs without the fields that cwltool adds for itself."""
    if isinstance(node, dict):
        return {key: _without_cwltool_fields(item) for key, item in node.items() if not key.startswith(_CWLTOOL_PREFIX)}
    return [_without_cwltool_fields(item) for item in node] if isinstance(node, list) else node


def _failure_message(name: str, run: _Run, last_lines: list[str], seconds: float) -> str:
    code = f" with exit code {run.exit_code}" if run.exit_code else ""
    if run.limit and seconds >= run.limit:
        code = f" at its time limit of {run.limit} s"
    what = f"the tool of {name} failed{code}" if isinstance(run.process, CommandLineTool) else f"{name} failed"
    return what + (": " + " | ".join(last_lines) if last_lines else "")


def _input_error(name: str, error: Exception) -> InputError:
    return InputError(f"{name}: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _to_cwltool_value(node: Json) -> Json:
    if isinstance(node, dict):
        return {key: _to_cwltool_value(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_to_cwltool_value(value) for value in node]
    if isinstance(node, float) and "e" in repr(node):
        # cwltool writes the numbers of a YAML file as decimals, but writes 1e-05 as Python does.
        return YAML(typ="rt").load(repr(node))
    return node
