"""The command `mlcraft` (also `haj`): registration of its verbs, and error messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from airflow_mlcraft import __version__
from airflow_mlcraft.cli import (
    composer_executor,
    config,
    cwl,
    deploy,
    doctor,
    history,
    impl,
    init,
    predict,
    projects,
    prune,
    reproduce,
    serve,
    trace,
    train,
    ui,
)
from airflow_mlcraft.cli.options import ListOptionCommand, VerbGroup
from airflow_mlcraft.cli.warm import verbs as warm
from airflow_mlcraft.common.extras import find_missing_extra
from airflow_mlcraft.common.files import disk_error_message
from airflow_mlcraft.errors import MlcraftError

app = typer.Typer(
    name="mlcraft",
    cls=VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

PROJECTS, MODELS, SERVER, MAINTENANCE = "Projects", "Models", "Server", "Around them"
VERBS: list[tuple[str, Callable[..., Any], str]] = [
    ("list", projects.list_projects, PROJECTS),
    ("init", init.init, PROJECTS),
    ("config", config.config, PROJECTS),
    ("impl", impl.impl, PROJECTS),
    ("copy", projects.copy, PROJECTS),
    ("rename", projects.rename, PROJECTS),
    ("delete", projects.delete, PROJECTS),
    ("train", train.train, MODELS),
    ("evaluate", train.evaluate, MODELS),
    ("predict", predict.predict, MODELS),
    ("history", history.history, MODELS),
    ("compare", history.compare, MODELS),
    ("ui", ui.ui, SERVER),
    ("run", serve.run, SERVER),
    ("status", serve.server_status, SERVER),
    ("logs", serve.logs, SERVER),
    ("stop", serve.stop, SERVER),
    ("build", deploy.build, SERVER),
    ("deploy", deploy.deploy, SERVER),
    ("trace", trace.trace, MAINTENANCE),
    ("reproduce", reproduce.reproduce, MAINTENANCE),
    ("doctor", doctor.doctor, MAINTENANCE),
    ("prune", prune.prune, MAINTENANCE),
]
for _name, _verb, _panel in VERBS:
    app.command(_name, cls=ListOptionCommand, rich_help_panel=_panel)(_verb)
app.add_typer(cwl.app, name="cwl", rich_help_panel=MAINTENANCE)
app.add_typer(warm.app, name="warm", rich_help_panel=MAINTENANCE)
app.add_typer(composer_executor.app, name="composer-executor", rich_help_panel=MAINTENANCE)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"mlcraft {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Machine-learning projects from a first file to a served model, each a CWL workflow that Airflow runs.

    Begin with `mlcraft init NAME`. Exit codes: 0 well, 1 a mistake or a failure that was told, 2 wrong options,
    3 no server runs (`status`), 130 interrupted.
    """


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"mlcraft: {message}\n")
    sys.exit(1)


def main() -> None:
    """Run the command. An MlcraftError is printed as a sentence on stderr, with exit code 1."""
    try:
        app()
    except MlcraftError as error:
        _fail(str(error))
    except Exception as error:
        if missing := find_missing_extra(error):
            _fail(str(missing))
        if not (message := disk_error_message(error)):
            raise
        _fail(f"{message}; `mlcraft doctor` says how much room there is")


if __name__ == "__main__":
    main()
