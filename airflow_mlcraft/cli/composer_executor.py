"""Integration with Rabix Composer: the verb `composer-executor install`, and progress lines in Composer's format."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer

from airflow_mlcraft.runner.events import COMPLETED, FAILED, STARTED

app = typer.Typer(help="Let Rabix Composer run its workflows here.", no_args_is_help=True)


@app.command()
def install(
    path: Annotated[Path, typer.Argument(help="Where the jar goes: a file, or a folder for mlcraft-executor.jar.")],
    runner: Annotated[
        Path | None, typer.Option("--runner", help="The mlcraft-cwl-runner that it starts; that of this Python else.")
    ] = None,
    server: Annotated[
        str, typer.Option("--server", help="Address of the Airflow that runs the workflows; an embedded one else.")
    ] = "",
    login: Annotated[
        Path | None, typer.Option("--login", help="Env file with MLCRAFT_SERVER_USER and _PASSWORD, or _TOKEN, for it.")
    ] = None,
) -> None:
    """Write the jar that Composer's settings take as custom executor.

    The jar names the runner by its place here: write it anew when the environment of MLcraft moves. It needs Java 8 or
    newer. The variable MLCRAFT_CWL_RUNNER names another runner.
    """
    from airflow_mlcraft.common.files import translate_os_errors
    from airflow_mlcraft.errors import MlcraftError
    from airflow_mlcraft.runner.jar.jar import build_jar, runner_path

    if login is not None and not server:
        raise MlcraftError("--login is for a server; name it with --server")
    for file in (runner, login):
        if file is not None and not file.is_file():
            raise MlcraftError(f"there is no file {file}")
    command = [str(runner.absolute() if runner else runner_path())]
    command += ["--server", server] if server else []
    command += ["--login", str(login.absolute())] if login else []
    target = path / "mlcraft-executor.jar" if path.is_dir() else path
    with translate_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(build_jar(command))
    typer.echo(f"wrote {target}; it starts {' '.join(command)}", err=True)
    typer.echo(f"choose it in Composer's settings as custom executor: {target.absolute()}", err=True)


COMPOSER_OPTION = "--enable-composer-logs"
_COMPOSER_STATES = {STARTED: "READY", COMPLETED: "COMPLETED", FAILED: "FAILED"}
_OUTDIR_OPTION = "--outdir"


def write_composer_line(step: str, state: str, message: str, out: TextIO | None = None) -> None:
    """Write the state of a step to stderr, in the format that Composer reads."""
    report = {"status": _COMPOSER_STATES[state], "stepId": f"root.{step}", "message": message}
    stream = out or sys.stderr
    # Composer parses each chunk as it arrives: a single write keeps the line complete.
    stream.write(f"Composer: {json.dumps(report)}\n")
    stream.flush()


def reorder_outdir(arguments: Sequence[str]) -> list[str]:
    """Move --outdir, which Composer passes last, before the document; later options are inputs of the document."""
    words = list(arguments)
    if COMPOSER_OPTION not in words or _OUTDIR_OPTION not in words:
        return words
    index = words.index(_OUTDIR_OPTION)
    return [*words[index : index + 2], *words[:index], *words[index + 2 :]]
