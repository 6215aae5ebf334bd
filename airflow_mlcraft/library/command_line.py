"""The command line of an edited tool, built by cwltool. Nothing is run, and no JavaScript is evaluated."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import count
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


_FIRST_PLACEHOLDER_NUMBER = 98765001
_FILE_TYPES = ("File", "Directory", "stdin")


class PlaceholderValues:
    """Generates values; files are empty, in a folder, and numbers can be recognized in a command line."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._numbers = count(_FIRST_PLACEHOLDER_NUMBER)
        self._files: Iterator[int] = count(1)
        self.input_names: dict[str, str] = {}
        """Input names by placeholder number."""

    def generate(self, name: str, cwl_type: Json) -> Json:
        """Generate a placeholder value of a type."""
        if isinstance(cwl_type, list):
            return self.generate(name, next((branch for branch in cwl_type if branch != "null"), "null"))
        if isinstance(cwl_type, Mapping):
            return self._generate_complex(name, cwl_type)
        if cwl_type in _FILE_TYPES:
            return self.create_placeholder_file(
                {"class": "Directory" if cwl_type == "Directory" else "File", "basename": name}
            )
        return self._generate_scalar(name, str(cwl_type))

    def with_placeholder_files(self, value: Json) -> Json:
        """Return a value with each file replaced by an empty one: the real files must not be read."""
        if isinstance(value, list):
            return [self.with_placeholder_files(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if value.get("class") in ("File", "Directory"):
            return self.create_placeholder_file(value)
        return {key: self.with_placeholder_files(item) for key, item in value.items()}

    def create_placeholder_file(self, value: Mapping[str, Json]) -> Json:
        """Create an empty file or folder of the same name."""
        location = str(value.get("location") or value.get("path") or "")
        name = os.path.basename(str(value.get("basename") or location.rstrip("/")))  # noqa: PTH119
        folder = self._folder / str(next(self._files))
        folder.mkdir(parents=True)
        path = folder / (name if name not in ("", ".", "..") and "\0" not in name else str(value["class"]))
        if value["class"] == "Directory":
            path.mkdir()
        else:
            path.touch()
        other_fields = {key: value[key] for key in ("class", "format") if isinstance(value.get(key), str)}
        secondary = (
            self.with_placeholder_files(value["secondaryFiles"])
            if isinstance(value.get("secondaryFiles"), list)
            else []
        )
        return {**other_fields, "location": path.as_uri(), **({"secondaryFiles": secondary} if secondary else {})}

    def _generate_complex(self, name: str, cwl_type: Mapping[str, Json]) -> Json:
        kind = cwl_type.get("type")
        if kind == "array":
            return [self.generate(f"{name}_{index}", cwl_type.get("items", "string")) for index in (1, 2)]
        if kind == "enum":
            return local_name(next(iter(cwl_type.get("symbols") or [name])))
        if kind == "record":
            fields = cwl_type.get("fields") or []
            return {
                local_name(field["name"]): self.generate(local_name(field["name"]), field["type"]) for field in fields
            }
        return self.generate(name, kind)

    def _generate_scalar(self, name: str, cwl_type: str) -> Json:
        input_name = name.upper()
        if cwl_type in ("int", "long", "float", "double"):
            number = next(self._numbers)
            self.input_names[str(number)] = input_name
            return number
        if cwl_type == "boolean":
            return True
        return None if cwl_type == "null" else input_name
