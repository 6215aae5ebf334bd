"""The verb `composer-executor install`: runs of Rabix Composer by this package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
