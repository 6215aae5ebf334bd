"""Arguments and options that verbs share, their shell completion, and options with several values."""

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
    """Complete a part of a project."""
    from airflow_mlcraft.project.implement import PARTS

    return [part for part in PARTS if part.startswith(incomplete)]


def complete_metrics(incomplete: str) -> list[str]:
    """Complete a metric."""
    from airflow_mlcraft.ml.metrics import METRICS

    return [name for name in METRICS if name.startswith(incomplete)]


def complete_models(incomplete: str) -> list[str]:
    """Complete the name of a built-in model."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS

    names = sorted({name for table in ESTIMATORS.values() for name in table})
    return [name for name in names if name.startswith(incomplete)]


def find_project(name: str, folder: Path | None) -> Project:
    """Find a project by its name, in the given folder or the default one."""
    return find_projects(folder).find(name)


class VerbGroup(TyperGroup):
    """The group of verbs. Each verb cleans up after Ctrl-C; this class prints the message and sets exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("mlcraft: interrupted; nothing half-done was left", err=True)
            raise typer.Exit(130) from None


class ListOptionCommand(TyperCommand):
    """A command whose options of several values may be written as `-m one two` and `-m one -m two`.

    The project's name has to come first, because it cannot be distinguished from the values.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        list_options, flags = self._option_spellings("multiple"), self._option_spellings("is_flag")
        expanded: list[str] = []
        option, has_name = "", False
        for index, word in enumerate(args):
            previous = args[index - 1] if index else ""
            if word.startswith("-") and word != "-":
                option = word if word in list_options else ""
                expanded.append(word)
            elif option and previous != option and has_name:
                expanded += [option, word]
            else:
                has_name = has_name or not previous.startswith("-") or previous in flags
                expanded.append(word)
        return super().parse_args(ctx, expanded)

    def _option_spellings(self, kind: str) -> set[str]:
        """Return the spellings of all options with an attribute such as `multiple` or `is_flag`."""
        return {name for param in self.params if getattr(param, kind, False) for name in getattr(param, "opts", ())}


def split_values(values: list[str] | None) -> list[str]:
    """Split values at commas too."""
    return [part.strip() for value in values or () for part in value.split(",") if part.strip()]
