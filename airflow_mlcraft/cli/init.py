"""The verb `init`: a new project, with proposals from its first data source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import (
    ask_date_format,
    ask_user,
    can_ask,
    confirm,
    escape,
    print_json,
    print_lines,
    print_next_step,
    spinner,
)
from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project.project_paths import find_projects

if TYPE_CHECKING:
    from airflow_mlcraft.ml.proposal import Proposal
    from airflow_mlcraft.project.source_profile import SourceTable


@dataclass
class _Choices:
    """The first values of a project, and the reasons for them."""

    prediction: str
    target: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


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
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take what the data suggest, and say it.")
    ] = False,
    projects: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Make a project: a folder with templates that run as they are, in a git and DVC repository.

    With --from the table is looked at: its profile is shown, and target, type of prediction, split and metric are
    proposed. Without --from the project has a data set of scikit-learn's, so that everything can be tried at once.
    """
    from airflow_mlcraft.project.create import create_project
    from airflow_mlcraft.project.manifest import PREDICTION_TYPES

    projects_folder = find_projects(projects)
    projects_folder.new_project(name)
    if prediction and prediction not in PREDICTION_TYPES:
        raise ProjectError(f"there is no prediction type {prediction!r}", f"expected {' or '.join(PREDICTION_TYPES)}")
    interactive = can_ask() and not yes and not as_json
    table, fault = _read_source_table(source, quiet=as_json) if source else (None, "")
    if table is not None:
        chosen = _choose_values(table, target, prediction, interactive=interactive, quiet=as_json)
    else:
        if not prediction and not interactive:
            reason = f"it is not said what is to be predicted{f', and {fault}' if fault else ''}"
            raise ProjectError(reason, "add -p classification or -p regression")
        chosen = _Choices(
            prediction
            or ask_user("What is to be predicted: a class, or a number?", PREDICTION_TYPES, PREDICTION_TYPES[0]),
            target,
        )
    with spinner(f"Making {name} …", as_json) as report:
        project = create_project(
            projects_folder,
            name,
            chosen.prediction,
            source=source,
            target=chosen.target,
            values=chosen.values,
            report=report,
        )
    if as_json:
        result: dict[str, Any] = {
            "project": project.name,
            "folder": str(project.folder),
            "prediction": chosen.prediction,
        }
        if table is not None:
            result |= {"target": chosen.target, **chosen.values, "notes": chosen.notes, "profile": table.profile}
        print_json({**result, **({"fault": fault} if fault else {})})
        return
    if fault:
        print_lines(f"[yellow]![/] The data could not be looked at: {escape(fault)}")
    for line in chosen.notes:
        print_lines(f"  {escape(line)}")
    print_lines(f"[green]✓[/] {name} is in [bold]{escape(project.folder)}[/]")
    if chosen.notes:
        print_lines(f"  [dim]All of it is in {escape(project.manifest.name)}; `mlcraft config {name}` changes it.[/]")
    if source and not chosen.target:
        print_next_step(f"mlcraft config {name} --target COLUMN", "names the column to predict.")
    else:
        print_next_step(f"mlcraft train {name}", "trains its models, and finds the best.")


def _read_source_table(source: str, *, quiet: bool) -> tuple[SourceTable | None, str]:
    """Read the table of a source. Returns it, or None and the reason."""
    from airflow_mlcraft.project.source_profile import read_source

    try:
        with spinner(f"Reading {source} …", quiet):
            return read_source(source), ""
    except MlcraftError as error:
        return None, str(error)


def _choose_values(table: SourceTable, target: str, prediction: str, *, interactive: bool, quiet: bool) -> _Choices:
    """Choose target, prediction type, split and metric by the data, with questions to an interactive user."""
    from airflow_mlcraft.ml.proposal import propose

    if not quiet:
        for line in table.lines():
            print_lines(f"  [dim]{escape(line)}[/]")
        print_lines("")
    if interactive and not target:
        target = ask_user("Which column is to be predicted?", default=propose(table.frame).target)
    proposal = propose(table.frame, target, prediction)
    values = _proposed_values(proposal)
    if interactive:
        if not prediction:
            proposal = propose(table.frame, proposal.target, _ask_prediction(proposal))
        values = _confirm_values(_proposed_values(proposal), proposal)
    dates, notes = _choose_date_formats(table, proposal.target, interactive=interactive)
    if dates:
        values["data.dates"] = dates
    # An interactive user has seen the reasons already.
    return _Choices(proposal.prediction, proposal.target, values, () if interactive else (*proposal.notes, *notes))


def _choose_date_formats(table: SourceTable, target: str, *, interactive: bool) -> tuple[dict[str, str], list[str]]:
    """Formats of ambiguous dates by column, from an interactive user; otherwise sentences about them."""
    from airflow_mlcraft.ml.column_kinds import find_ambiguous_dates

    columns = find_ambiguous_dates(table.frame.drop(columns=target))
    if interactive:
        return {name: ask_date_format(name, formats) for name, formats in columns.items()}, []
    return {}, [
        f"{name} is read with the day first ({formats['day_first']}), and all of its dates, such as "
        f"{formats['example']}, "
        f'could have the month first: set [data] dates = {{ {name} = "{formats["month_first"]}" }} where they do'
        for name, formats in columns.items()
    ]


def _proposed_values(proposal: Proposal) -> dict[str, Any]:
    """The proposal as values of mlcraft.toml by their dotted names."""
    values = {
        "evaluate.metric": proposal.metric,
        "data.stratify": proposal.stratify,
        "data.group": proposal.group,
        "data.time": proposal.time,
        "data.positive": proposal.positive,
    }
    return {name: value for name, value in values.items() if value}


def _ask_prediction(proposal: Proposal) -> str:
    from airflow_mlcraft.project.manifest import PREDICTION_TYPES

    return ask_user("Is a class to be predicted, or a number?", PREDICTION_TYPES, proposal.prediction)


def _confirm_values(values: dict[str, Any], proposal: Proposal) -> dict[str, Any]:
    """Ask the user about the split and the metric. Returns the accepted values."""
    from airflow_mlcraft.ml.metrics import METRICS

    names = [metric.name for metric in METRICS.values() if metric.task == proposal.prediction]
    for line in proposal.notes:
        print_lines(f"  {escape(line)}")
    for name, question in (
        ("data.group", f"Keep the rows of one {proposal.group} together?"),
        ("data.time", f"Test on the latest rows by {proposal.time}?"),
    ):
        if name in values and not confirm(question):
            del values[name]
    return {**values, "evaluate.metric": ask_user("By which metric is a model the best?", names, proposal.metric)}
