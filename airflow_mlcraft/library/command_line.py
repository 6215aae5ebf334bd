"""The command line of an edited tool, built by cwltool. Nothing is run, and no JavaScript is evaluated."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from cwltool.context import RuntimeContext
from cwltool.errors import WorkflowException
from cwltool.job import JobBase
from cwltool.mutation import MutationManager
from cwltool.process import Process
from schema_salad.exceptions import ValidationException

from airflow_mlcraft.adapters.cwl_utils import disable_javascript
from airflow_mlcraft.common.cwl_types import local_name
from airflow_mlcraft.cwl.errors.load_errors import readable_errors
from airflow_mlcraft.cwl.load import LoadedDocument
from airflow_mlcraft.cwl.nodes import to_builtin
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.errors import DocumentError
from airflow_mlcraft.library.placeholder_values import PlaceholderValues


def build_command_line(loaded: LoadedDocument, values: Mapping[str, Json]) -> Json:
    """Build the command that a tool would run, with `values` and placeholders for inputs without a value."""
    process = loaded.process
    if process.tool["class"] != "CommandLineTool":
        raise DocumentError(f"only a CommandLineTool has a command line, and this is a {process.tool['class']}")
    disable_javascript()
    with TemporaryDirectory(prefix="mlcraft-command-") as name, readable_errors(loaded.path, loaded.sources):
        folder = Path(name)
        placeholders = PlaceholderValues(folder / "given")
        job, missing = _build_job(process, values, placeholders)
        first_job = _build_first_job(process, job, folder)
        readable = _ReadableTexts(folder, placeholders.input_names)
        docker, _ = process.get_requirement("DockerRequirement")
        command = [readable.to_readable(part) for part in first_job.command_line]
        return {
            "command": command,
            "shell": _to_shell(command, first_job, readable, process),
            **{
                stream: readable.to_readable(value)
                for stream in ("stdin", "stdout", "stderr")
                if (value := getattr(first_job, stream, None))
            },
            **(
                {"container": to_builtin(docker).get("dockerPull") or to_builtin(docker).get("dockerImageId")}
                if docker
                else {}
            ),
            "missing": missing,
        }


def _build_job(
    process: Process, values: Mapping[str, Json], placeholders: PlaceholderValues
) -> tuple[dict[str, Json], list[str]]:
    job: dict[str, Json] = {}
    missing = []
    for port in to_builtin(process.tool["inputs"]):
        name = local_name(port["id"])
        if values.get(name) is not None:
            job[name] = placeholders.with_placeholder_files(values[name])
        elif port.get("default") is not None:
            job[name] = placeholders.with_placeholder_files(port["default"])
        else:
            job[name] = placeholders.generate(name, port["type"])
            missing.append(name)
    return job, missing


def _build_first_job(process: Process, job: dict[str, Json], folder: Path) -> JobBase:
    for subfolder in ("out", "work", "stage"):
        (folder / subfolder).mkdir()
    context = RuntimeContext(
        {
            "basedir": str(folder),
            "outdir": str(folder / "out"),
            "tmpdir": str(folder / "work"),
            "tmpdir_prefix": f"{folder}/work/",
            "tmp_outdir_prefix": f"{folder}/out/",
            "stagedir": str(folder / "stage"),
            "use_container": False,
            "compute_checksum": False,
            "mutation_manager": MutationManager(),
            "relax_path_checks": True,
        }
    )
    try:
        for first_job in process.job(cast(Any, job), lambda *_: None, context):
            if isinstance(first_job, JobBase):
                return first_job
    except (WorkflowException, ValidationException) as error:
        raise DocumentError(" ".join(str(error).split())) from error
    raise DocumentError("this tool has no command line")


class _ReadableTexts:
    """Makes the texts of a command line readable: without temporary folders, and with names for placeholder numbers."""

    def __init__(self, folder: Path, numbers: Mapping[str, str]):
        self._folders = re.compile(re.escape(str(folder)) + r"/stage/[^/]+/|" + re.escape(str(folder)) + r"/given/\d+/")
        self._out = re.compile(re.escape(str(folder)) + r"/out(/\w+)?")
        self._work = re.compile(re.escape(str(folder)) + r"/work(/\w+)?")
        self._numbers = numbers

    def to_readable(self, value: Any) -> str:
        """Return a text with the names of files, and with input names for placeholder numbers."""
        text = self._folders.sub("", str(value))
        text = self._work.sub("$(runtime.tmpdir)", self._out.sub(".", text))
        for number, name in self._numbers.items():
            text = text.replace(number, name)
        return text


def _to_shell(command: list[str], job: Any, readable: _ReadableTexts, process: Process) -> str:
    """Return the command in a form that can be pasted into a shell."""
    needs_shell, _ = process.get_requirement("ShellCommandRequirement")
    if needs_shell and command[:2] == ["/bin/sh", "-c"]:
        line = command[2]
    else:
        line = " ".join(shlex.quote(part) for part in command)
    redirected = (("<", "stdin"), (">", "stdout"), ("2>", "stderr"))
    for operator, stream in redirected:
        if value := getattr(job, stream, None):
            line += f" {operator} {shlex.quote(readable.to_readable(value))}"
    return line
