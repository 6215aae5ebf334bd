"""`mlcraft init`."""

from __future__ import annotations

from typing import Annotated

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import ask, can_ask, next_step, plain, print_json, say, status
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.places import projects_at


def init(  # noqa: PLR0917
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What the project is to be called: letters, digits and _.")
    ],
    prediction: Annotated[
        str, typer.Option("-p", "--prediction", help="classification or regression.", show_default=False)
    ] = "",
    source: Annotated[
        str,
        typer.Option("--from", metavar="URL", help="The first data source: an address, a path, or sklearn:NAME."),
    ] = "",
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict (target).")] = "",
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Make a project: a folder with templates that run as they are, in a git and DVC repository.

    Without --from it has a data set of scikit-learn's, so that everything can be tried at once.
    """
    from airflow_mlcraft.project.create import create
    from airflow_mlcraft.project.manifest import PREDICTIONS

    place = projects_at(projects)
    place.free(name)
    if not prediction and not can_ask():
        raise ProjectError("it is not said what is to be predicted", "add -p classification or -p regression")
    prediction = prediction or ask("What is to be predicted: a class, or a number?", PREDICTIONS, PREDICTIONS[0])
    with status(f"Making {name} …", as_json) as doing:
        made = create(place, name, prediction, source=source, target=target, say=doing)
    if as_json:
        print_json({"project": made.name, "folder": str(made.folder), "prediction": prediction})
        return
    say(f"[green]✓[/] {name} is in [bold]{plain(made.folder)}[/]")
    if source and not target:
        next_step(f"mlcraft config {name} --target COLUMN", "names the column to predict.")
    else:
        next_step(f"mlcraft train {name}", "trains its models, and finds the best.")
