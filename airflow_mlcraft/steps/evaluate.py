"""`evaluate`: models and a test part in; the champion, all scores and a report out."""

from __future__ import annotations

import argparse
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services

if TYPE_CHECKING:
    from airflow_mlcraft.steps.comparison_outcome import Outcome

CHAMPION = "champion"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    parser.add_argument("--models", required=True, nargs="+", metavar="FOLDER", help="models, as `train` makes them")
    parser.add_argument("--test", required=True, metavar="FILE", help="the test part, as `process` makes it")
    parser.add_argument("--train", metavar="FILE", help="the training part, for the report")
    parser.add_argument(
        "--metric", help="the metric that decides; acc or rmse by default, another where a class is rare"
    )
    parser.add_argument("--minimum", type=float, metavar="X", help="the worst score that may win")
    parser.add_argument("--margin", type=float, default=0.0, metavar="X", help="how much a new champion must gain (0)")
    parser.add_argument("--champion", metavar="FOLDER", help="the champion of today")
    parser.add_argument(
        "--replace-champion",
        action="store_true",
        help="replace a champion of today that cannot be compared, because it is one of other data or has learned the "
        "test rows",
    )
    parser.add_argument("--allow-none", action="store_true", help="end well when no model passes; nothing is crowned")
    parser.add_argument("--seed", type=int, default=0, help="seed of the importances (0)")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write champion/, scores.json, report.html, report.md, plots/ and record.json."""
    from airflow_mlcraft.ml.fit import on_cores
    from airflow_mlcraft.steps.comparison_outcome import outcome
    from airflow_mlcraft.steps.data_file import data_file
    from airflow_mlcraft.steps.model_comparison import contest
    from airflow_mlcraft.steps.report import write_report

    _check(options)
    test = data_file(folder, options.test, "test")
    train = data_file(folder, options.train, "train") if options.train else None
    with on_cores(1):
        held = contest(
            folder,
            options.models,
            options.champion,
            test,
            options.metric,
            replace_champion=options.replace_champion,
        )
        gates = {"minimum": options.minimum, "margin": options.margin, "replace_champion": options.replace_champion}
        found = outcome(held, test, train, **gates)
        for line in held.notes:
            services.say(line)
        write_json(folder / "scores.json", found.to_json())
        write_report(found, folder, options.seed)
    record = _record(found, options)
    if held.champion is not None and held.foreign and not options.replace_champion:
        record.write(folder)
        raise StepError(
            f"the {held.champion.label} of today is one of other data, and is not replaced: {held.foreign}. "
            "Register the new model under another name (`registry` in the hint mlcraft:Evaluate), or give "
            "--replace-champion (`replace_champion` of the workflow)"
        )
    if found.winner is not None:
        _crown(found.winner.folder, folder / CHAMPION)
        record.model(CHAMPION, found.winner.name)
    record.write(folder)
    if found.winner is None and not options.allow_none:
        raise StepError(f"no champion: {found.verdict.why}")
    stays = "; the champion stays" if found.verdict.kept else ""
    crowned = "no champion" if found.winner is None else f"champion: {found.winner.label}"
    services.say(f"{crowned} ({found.verdict.why}{stays})")


def _check(options: argparse.Namespace) -> None:
    from airflow_mlcraft.steps.split import check_seed

    check_seed(options.seed)
    for name in ("minimum", "margin"):
        value = getattr(options, name)
        if value is not None and not math.isfinite(value):
            raise StepError(f"--{name} is {value}; expected a number")
    if options.margin < 0:
        raise StepError(f"--margin is {options.margin:g}; expected 0 or more")


def _crown(model: Path, target: Path) -> None:
    """Put a copy of the model there, instead of what may be there."""
    if model.resolve() == target.resolve():
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model, target, copy_function=shutil.copyfile)


def _record(found: Outcome, options: argparse.Namespace) -> Record:
    told, record = found.to_json(), Record()
    record.param(chosen_on=told["chosen_on"], replace_champion=options.replace_champion or None)
    record.param(metric=told["metric"], minimum=options.minimum, margin=options.margin, target=told["target"])
    record.param(champion=told["winner"], champion_kept=told["kept"], models=len(told["models"]), seed=options.seed)
    if found.winner is not None:
        record.metric(found.winner.scores)
    for model in told["models"]:
        record.metric(model["test"], f"{model['name']}.")
    record.dataset("test", "test.parquet", "testing", {"rows": len(found.test), "columns": len(found.test.columns)})
    for port in ("scores", "report_html", "report_md", "plots"):
        record.artifact(port)
    return record
