"""A command that this process does itself, in place of the program that a tool's command line names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cwltool.context import RuntimeContext
from cwltool.job import CommandLineJob, ContainerCommandLineJob, JobBase

Say = Callable[[str], Any]


@dataclass(frozen=True)
class OwnCommand:
    """A program's name, and the function that does what it would do; no second Python has to start for it."""

    program: str
    run: Callable[[list[str], Path, Say], int]
    """Takes the arguments, the folder for the outputs, and who hears what it says; gives the exit code."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment of the program, where it runs after all, with streams of its own."""
    variables_in_container: Mapping[str, str] = field(default_factory=dict)
    """The same in a container, where files have other paths."""

    def complaint(self, said: Sequence[str]) -> str:
        """Why it failed: what it said last after its own name, as programs do."""
        mark = f"{self.program}: "
        begins = [number for number, line in enumerate(said) if line.startswith(mark)]
        return " ".join(said[begins[-1] :]).removeprefix(mark) if begins else ""


def take_over(job: JobBase, command: OwnCommand, say: Say) -> None:
    """Let a job be done here, where it is the command's, and asks for nothing that only a program can have."""
    in_container = isinstance(job, ContainerCommandLineJob)
    job.environment.update(command.variables_in_container if in_container else command.variables)
    if not isinstance(job, CommandLineJob) or job.command_line[:1] != [command.program]:
        return
    if not (job.stdin or job.stdout or job.stderr):
        # Compiled, cwltool takes no other: then the program runs.
        with suppress(AttributeError):
            job._execute = partial(_execute, job, command, say)  # type: ignore[method-assign]


def _execute(  # noqa: PLR0917
    job: JobBase,
    command: OwnCommand,
    say: Say,
    runtime: list[str],
    env: MutableMapping[str, str],
    context: RuntimeContext,
    monitor: Any = None,
) -> None:
    code = command.run([str(word) for word in job.command_line[1:]], Path(job.outdir), say)
    status = "success"
    if code in job.temporaryFailCodes:
        status = "temporaryFail"
    elif code != 0 and code not in job.successCodes:
        status = "permanentFail"
    outputs = job.collect_outputs(job.outdir, code)
    if job.output_callback is not None and context.workflow_eval_lock is not None:
        with context.workflow_eval_lock:
            job.output_callback(outputs, status)
