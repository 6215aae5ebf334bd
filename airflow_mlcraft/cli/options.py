"""What several verbs have in common: the project's name, the folder of projects, JSON, lists of values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from airflow_mlcraft.project.project_paths import PROJECTS_VARIABLE, find_projects

if TYPE_CHECKING:
    from airflow_mlcraft.project.project_paths import Project


def _complete_projects(incomplete: str) -> list[str]:
    return [project.name for project in find_projects().all() if project.name.startswith(incomplete)]


Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The project.", autocompletion=_complete_projects, show_default=False)
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--projects", metavar="FOLDER", help=f"Where the projects are; ${PROJECTS_VARIABLE} or ./ml_projects else."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value, and nothing else, on stdout.")]


def complete_parts(incomplete: str) -> list[str]:
    """Completes a part of a project."""
    from airflow_mlcraft.project.implement import PARTS

    return [part for part in PARTS if part.startswith(incomplete)]


def complete_metrics(incomplete: str) -> list[str]:
    """Completes a metric."""
    from airflow_mlcraft.ml.metrics import METRICS

    return [name for name in METRICS if name.startswith(incomplete)]


def complete_models(incomplete: str) -> list[str]:
    """Completes a model that MLcraft brings."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS

    names = sorted({name for table in ESTIMATORS.values() for name in table})
    return [name for name in names if name.startswith(incomplete)]


def find_project(name: str, folder: Path | None) -> Project:
    """The project that was named."""
    return find_projects(folder).find(name)


class VerbGroup(TyperGroup):
    """The verbs. After Ctrl-C, each has put things right by itself; here it is only said."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("mlcraft: interrupted; nothing half-done was left", err=True)
            raise typer.Exit(130) from None


class ListOptionCommand(TyperCommand):
    """A command whose options of several values may be written as `-m one two` and `-m one -m two`.

    The project's name has to come first, since nobody could tell it from the values.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        several, flags = self._names("multiple"), self._names("is_flag")
        made: list[str] = []
        option, named = "", False
        for place, word in enumerate(args):
            before = args[place - 1] if place else ""
            if word.startswith("-") and word != "-":
                option = word if word in several else ""
                made.append(word)
            elif option and before != option and named:
                made += [option, word]
            else:
                named = named or not before.startswith("-") or before in flags
                made.append(word)
        return super().parse_args(ctx, made)

    def _names(self, kind: str) -> set[str]:
        """How the options of a kind may be written."""
        return {name for param in self.params if getattr(param, kind, False) for name in getattr(param, "opts", ())}


def split_values(values: list[str] | None) -> list[str]:
    """Values that were also parted by commas."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]
