"""`mlcraft init`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from airflow_mlcraft.cli.options import AsJson, Folder
from airflow_mlcraft.cli.printing import (
    ask,
    ask_date_format,
    can_ask,
    confirm,
    next_step,
    plain,
    print_json,
    say,
    status,
)
from airflow_mlcraft.errors import MlcraftError, ProjectError
from airflow_mlcraft.project.project_paths import projects_at

if TYPE_CHECKING:
    from airflow_mlcraft.ml.proposal import Proposal
    from airflow_mlcraft.project.source_profile import SourceTable


@dataclass
class _Chosen:
    """What the project begins with, and the sentences that say why."""

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
    from airflow_mlcraft.project.create import create
    from airflow_mlcraft.project.manifest import PREDICTIONS

    place = projects_at(projects)
    place.free(name)
    if prediction and prediction not in PREDICTIONS:
        raise ProjectError(f"there is no prediction type {prediction!r}", f"expected {' or '.join(PREDICTIONS)}")
    asks = can_ask() and not yes and not as_json
    found, fault = _look_at(source, quiet=as_json) if source else (None, "")
    if found is not None:
        chosen = _choose(found, target, prediction, asks=asks, quiet=as_json)
    else:
        if not prediction and not asks:
            reason = f"it is not said what is to be predicted{f', and {fault}' if fault else ''}"
            raise ProjectError(reason, "add -p classification or -p regression")
        chosen = _Chosen(
            prediction or ask("What is to be predicted: a class, or a number?", PREDICTIONS, PREDICTIONS[0]), target
        )
    with status(f"Making {name} …", as_json) as doing:
        made = create(
            place, name, chosen.prediction, source=source, target=chosen.target, values=chosen.values, say=doing
        )
    if as_json:
        told: dict[str, Any] = {"project": made.name, "folder": str(made.folder), "prediction": chosen.prediction}
        if found is not None:
            told |= {"target": chosen.target, **chosen.values, "notes": chosen.notes, "profile": found.profile}
        print_json({**told, **({"fault": fault} if fault else {})})
        return
    if fault:
        say(f"[yellow]![/] The data could not be looked at: {plain(fault)}")
    for line in chosen.notes:
        say(f"  {plain(line)}")
    say(f"[green]✓[/] {name} is in [bold]{plain(made.folder)}[/]")
    if chosen.notes:
        say(f"  [dim]All of it is in {plain(made.manifest.name)}; `mlcraft config {name}` changes it.[/]")
    if source and not chosen.target:
        next_step(f"mlcraft config {name} --target COLUMN", "names the column to predict.")
    else:
        next_step(f"mlcraft train {name}", "trains its models, and finds the best.")


def _look_at(source: str, *, quiet: bool) -> tuple[SourceTable | None, str]:
    """The table of a source, or the reason why it cannot be read now."""
    from airflow_mlcraft.project.source_profile import read_source

    try:
        with status(f"Reading {source} …", quiet):
            return read_source(source), ""
    except MlcraftError as error:
        return None, str(error)


def _choose(found: SourceTable, target: str, prediction: str, *, asks: bool, quiet: bool) -> _Chosen:
    """Target, type, split and metric: as the data suggest, and as the user decides where he can be asked."""
    from airflow_mlcraft.ml.proposal import propose

    if not quiet:
        for line in found.lines():
            say(f"  [dim]{plain(line)}[/]")
        say("")
    if asks and not target:
        target = ask("Which column is to be predicted?", default=propose(found.frame).target)
    proposal = propose(found.frame, target, prediction)
    values = _values(proposal)
    if asks:
        if not prediction:
            proposal = propose(found.frame, proposal.target, _ask_prediction(proposal))
        values = _agreed(_values(proposal), proposal)
    dates, notes = _dates(found, proposal.target, asks=asks)
    if dates:
        values["data.dates"] = dates
    # Who was asked has seen the reasons.
    return _Chosen(proposal.prediction, proposal.target, values, () if asks else (*proposal.notes, *notes))


def _dates(found: SourceTable, target: str, *, asks: bool) -> tuple[dict[str, str], list[str]]:
    """How dates are written that can be read in two ways, as the user says; or sentences about them."""
    from airflow_mlcraft.ml.column_kinds import ambiguous_dates

    columns = ambiguous_dates(found.frame.drop(columns=target))
    if asks:
        return {name: ask_date_format(name, about) for name, about in columns.items()}, []
    return {}, [
        f"{name} is read with the day first ({about['day_first']}), and all of its dates, such as {about['example']}, "
        f'could have the month first: set [data] dates = {{ {name} = "{about["month_first"]}" }} where they do'
        for name, about in columns.items()
    ]


def _values(proposal: Proposal) -> dict[str, Any]:
    """The proposal as values of mlcraft.toml, by their names."""
    found = {
        "evaluate.metric": proposal.metric,
        "data.stratify": proposal.stratify,
        "data.group": proposal.group,
        "data.time": proposal.time,
        "data.positive": proposal.positive,
    }
    return {name: value for name, value in found.items() if value}


def _ask_prediction(proposal: Proposal) -> str:
    from airflow_mlcraft.project.manifest import PREDICTIONS

    return ask("Is a class to be predicted, or a number?", PREDICTIONS, proposal.prediction)


def _agreed(values: dict[str, Any], proposal: Proposal) -> dict[str, Any]:
    """Without what the user does not want."""
    from airflow_mlcraft.ml.metrics import METRICS

    names = [metric.name for metric in METRICS.values() if metric.task == proposal.prediction]
    for line in proposal.notes:
        say(f"  {plain(line)}")
    for name, question in (
        ("data.group", f"Keep the rows of one {proposal.group} together?"),
        ("data.time", f"Test on the latest rows by {proposal.time}?"),
    ):
        if name in values and not confirm(question):
            del values[name]
    return {**values, "evaluate.metric": ask("By which metric is a model the best?", names, proposal.metric)}
