"""The verb `config`: changes of a project, and the display of its settings."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder, Name, complete_models, find_project, split_values
from airflow_mlcraft.cli.printing import error_console, escape, print_json, print_lines, print_next_step, spinner
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import Project


def config(  # noqa: PLR0917
    name: Name,
    title: Annotated[
        str, typer.Option("-t", "--title", help="What people call the project; renames it everywhere.")
    ] = "",
    prediction: Annotated[
        str, typer.Option("-p", "--prediction", metavar="TYPE", help="classification or regression; swaps model.py.")
    ] = "",
    dependencies: Annotated[
        list[str] | None,
        typer.Option("-d", "--dependency", metavar="DEP…", help="A Python package the project needs; installs it."),
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", metavar="URL…", help="A further data source.")
    ] = None,
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")] = "",
    key: Annotated[
        str,
        typer.Option("--key", metavar="NAME", help="Ask for an API key, or read it from standard input, into .env."),
    ] = "",
    models: Annotated[
        list[str] | None,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL…",
            help="What is trained, instead of what was; installs the package of lightgbm, xgboost or catboost.",
            autocompletion=complete_models,
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option("--folds", metavar="N", min=0, help="Folds of cross-validation.")] = None,
    test_size: Annotated[
        float | None, typer.Option("--test-size", metavar="X", help="The share of the rows for the test.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Where random numbers start.")] = None,
    row_id: Annotated[
        str | None, typer.Option("--id", metavar="COLUMN", help="The column that tells rows apart.")
    ] = None,
    stratify: Annotated[
        bool | None,
        typer.Option("--stratify/--no-stratify", help="Whether both parts get the same share of each class."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="COLUMN", help="Keep rows with the same value together.")
    ] = None,
    time: Annotated[
        str | None, typer.Option("--time", metavar="COLUMN", help="Test on the latest rows by this column.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", metavar="COLUMN…", help="Columns that are not learned from.")
    ] = None,
    impute: Annotated[
        list[str] | None,
        typer.Option("--impute", metavar="HOW…", help="How gaps are filled: mean; or by column: age=mean size=zero."),
    ] = None,
    positive: Annotated[
        str | None, typer.Option("--positive", metavar="CLASS", help="Of two classes the one to find.")
    ] = None,
    class_weight: Annotated[
        str | None, typer.Option("--class-weight", metavar="WEIGHT", help="balanced, for estimators that know weights.")
    ] = None,
    threshold: Annotated[
        str | None,
        typer.Option("--threshold", metavar="P", help="auto, or from which probability the positive class is named."),
    ] = None,
    metric: Annotated[str, typer.Option("--metric", metavar="M", help="What makes a model the champion.")] = "",
    minimum: Annotated[
        float | None, typer.Option("--minimum", metavar="X", help="The worst score that a champion may have.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option("--margin", metavar="X", help="How much a new champion must gain.")
    ] = None,
    unset: Annotated[
        list[str] | None,
        typer.Option("--unset", metavar="KEY…", help="Take keys out of mlcraft.toml, as group or evaluate.minimum."),
    ] = None,
    dagshub: Annotated[
        str, typer.Option("--dagshub", metavar="OWNER/REPO", help="Track runs and push data there.")
    ] = "",
    remote: Annotated[str, typer.Option("--remote", metavar="URL", help="Where DVC pushes data to.")] = "",
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Change a project; without options, show what it is.

    All is changed or nothing is. `--unset KEY` takes a value out again.

    A key is never taken from the command line, where others could read it.
    """
    from airflow_mlcraft.project.configure import Changes, check_changes, configure, resolve_key_names

    project = find_project(name, projects)
    changes = Changes(
        title=title,
        prediction=prediction,
        target=target,
        metric=metric,
        dependencies=dependencies or (),
        sources=sources or (),
        key=key,
        dagshub=dagshub,
        remote=remote,
        models=split_values(models),
        values={
            **_without_none(
                {
                    "train.folds": folds,
                    "data.test_size": test_size,
                    "data.seed": seed,
                    "data.id": row_id,
                    "data.stratify": stratify,
                    "data.group": group,
                    "data.time": time,
                    "data.drop": split_values(drop) or None,
                    "data.impute": _parse_impute(impute or []),
                    "data.positive": positive,
                    "train.class_weight": class_weight,
                    "evaluate.threshold": _parse_threshold(threshold),
                    "evaluate.minimum": minimum,
                    "evaluate.margin": margin,
                }
            ),
            **dict.fromkeys(resolve_key_names(split_values(unset))),
        },
    )
    if not changes.has_changes:
        _print_project(project, as_json)
        return
    check_changes(project, changes)
    if key:
        changes = replace(changes, key_value=_ask_secret(key))
    with spinner(f"Changing {name} …", as_json) as report:
        sentences = configure(project, changes, report)
    if as_json:
        print_json({"project": name, "done": sentences})
        return
    for line in sentences:
        print_lines(f"[green]✓[/] {escape(line)}")
    if not sentences:
        print_lines("Nothing had to be changed.")
    print_next_step(f"mlcraft train {name}", "trains with it.")


def _parse_threshold(text: str | None) -> float | str | None:
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Remove options that were left out."""
    return {name: value for name, value in values.items() if value is not None}


def _parse_impute(values: list[str]) -> str | dict[str, str] | None:
    """Parse --impute: one strategy for all columns, or COLUMN=STRATEGY for each, as age=mean."""
    if not values:
        return None
    if len(values) == 1 and "=" not in values[0]:
        return values[0]
    pairs = [value.partition("=") for value in values]
    if without_way := [column for column, equals, _ in pairs if not equals]:
        raise ProjectError(f"--impute {without_way[0]}: expected one way for all columns, or COLUMN=WAY for each")
    return {column: way for column, _, way in pairs}


def _ask_secret(name: str) -> str:
    """Read a key from the terminal without echo, or from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    from rich.prompt import Prompt

    return Prompt.ask(f"Value of {escape(name)}", password=True, console=error_console()).strip()


def _print_project(project: Project, as_json: bool) -> None:
    from airflow_mlcraft.project import env_file
    from airflow_mlcraft.project.manifest import read_manifest
    from airflow_mlcraft.project.repository import read_remote

    values = {
        **asdict(read_manifest(project)),
        "keys": sorted(env_file.read_env_file(project)),
        "remote": read_remote(project.folder),
    }
    if as_json:
        print_json({"project": project.name, "folder": str(project.folder), **values})
        return
    rows = []
    for name, value in {"folder": project.folder, **values}.items():
        if name == "metric" and not value:
            rows.append((name, "chosen by the data when you train"))
        elif value not in (None, "", (), [], {}, False) and (not isinstance(value, dict) or _list_set_entries(value)):
            rows.append((name, _format_value(value)))
    # A table would wrap long paths, which then could not be copied.
    width = max(len(name) for name, _ in rows)
    print_lines(*(f"[dim]{name:<{width}}[/]  {escape(text)}" for name, text in rows))


def _format_value(value: Any) -> str:
    """Format a value: lists with commas, tables as `name: key = value`."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        parts = [
            f"{name}: {_format_value(item)}" if isinstance(item, dict) else f"{name} = {item}"
            for name, item in _list_set_entries(value)
        ]
        return "; ".join(parts)
    return str(value)


def _list_set_entries(table: dict[str, Any]) -> list[tuple[str, Any]]:
    """The entries that are not empty."""
    return [(name, item) for name, item in table.items() if item not in (None, "", {}, [])]
