"""Commands that run as a function in this process, in place of the program in a tool's command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cwltool.context import RuntimeContext
from cwltool.job import CommandLineJob, ContainerCommandLineJob, JobBase

from airflow_mlcraft.adapters.cwltool import finish_job, wrap_execution

WriteLine = Callable[[str], Any]


@dataclass(frozen=True)
class InlineCommand:
    """A program's name, and the function that replaces it, so that no second Python process starts."""

    program: str
    run: Callable[[list[str], Path, WriteLine], int]
    """A function of the arguments, the output folder and a function that writes a log line; returns the exit code."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the program, where the program itself runs: when its streams are redirected."""
    variables_in_container: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the program in a container, where files have other paths."""

    def error_message(self, lines: Sequence[str]) -> str:
        """The error message in the output: the lines from the last one that begins with the program's name."""
        prefix = f"{self.program}: "
        starts = [number for number, line in enumerate(lines) if line.startswith(prefix)]
        return " ".join(lines[starts[-1] :]).removeprefix(prefix) if starts else ""


def run_inline(job: JobBase, command: InlineCommand, write_line: WriteLine) -> None:
    """Let a job of this program call the function, unless its streams are redirected."""
    in_container = isinstance(job, ContainerCommandLineJob)
    job.environment.update(command.variables_in_container if in_container else command.variables)
    if not isinstance(job, CommandLineJob) or job.command_line[:1] != [command.program]:
        return
    if not (job.stdin or job.stdout or job.stderr):

        def execute(own: Any, runtime: Any, env: Any, context: RuntimeContext, monitor: Any) -> None:
            code = command.run([str(word) for word in job.command_line[1:]], Path(job.outdir), write_line)
            finish_job(job, code, context)

        wrap_execution(job, execute)
