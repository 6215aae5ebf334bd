"""The command `mlcraft` (also `haj`): its verbs, and how a mistake of its user is shown."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from airflow_mlcraft import __version__
from airflow_mlcraft.cli import cwl
from airflow_mlcraft.errors import MlcraftError

app = typer.Typer(
    name="mlcraft",
    help="CWL workflows as Airflow DAGs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cwl.app, name="cwl")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlcraft {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """CWL workflows as Airflow DAGs."""


def main() -> None:
    """Run the command; a user's mistake is a sentence on stderr and exit code 1."""
    try:
        app()
    except MlcraftError as error:
        sys.stderr.write(f"mlcraft: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("mlcraft: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
