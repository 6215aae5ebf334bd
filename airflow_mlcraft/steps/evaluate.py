"""`evaluate`: compares models on a test part, and writes the champion, all scores and a report."""

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
    """Add the options of this step."""
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
    from airflow_mlcraft.ml.fit import limit_threads
    from airflow_mlcraft.steps.comparison_outcome import decide_outcome
    from airflow_mlcraft.steps.data_file import open_data_file
    from airflow_mlcraft.steps.model_comparison import compare_models
    from airflow_mlcraft.steps.report import write_report

    _check_options(options)
    test = open_data_file(folder, options.test, "test")
    train = open_data_file(folder, options.train, "train") if options.train else None
    with limit_threads(1):
        comparison = compare_models(
            folder,
            options.models,
            options.champion,
            test,
            options.metric,
            replace_champion=options.replace_champion,
        )
        gates = {"minimum": options.minimum, "margin": options.margin, "replace_champion": options.replace_champion}
        outcome = decide_outcome(comparison, test, train, **gates)
        for line in comparison.notes:
            services.log(line)
        write_json(folder / "scores.json", outcome.to_json())
        write_report(outcome, folder, options.seed)
    record = _build_record(outcome, options)
    if comparison.champion is not None and comparison.foreign and not options.replace_champion:
        record.write(folder)
        raise StepError(
            f"the {comparison.champion.label} of today is one of other data, and is not replaced: "
            f"{comparison.foreign}. Register the new model under another name (`registry` in the hint "
            "mlcraft:Evaluate), or give --replace-champion (`replace_champion` of the workflow)"
        )
    if outcome.winner is not None:
        _copy_model(outcome.winner.folder, folder / CHAMPION)
        record.add_model(CHAMPION, outcome.winner.name)
    record.write(folder)
    if outcome.winner is None and not options.allow_none:
        raise StepError(f"no champion: {outcome.verdict.reason}")
    previous_note = "; the champion stays" if outcome.verdict.kept else ""
    result = "no champion" if outcome.winner is None else f"champion: {outcome.winner.label}"
    services.log(f"{result} ({outcome.verdict.reason}{previous_note})")


def _check_options(options: argparse.Namespace) -> None:
    from airflow_mlcraft.steps.split import check_seed

    check_seed(options.seed)
    for name in ("minimum", "margin"):
        value = getattr(options, name)
        if value is not None and not math.isfinite(value):
            raise StepError(f"--{name} is {value}; expected a number")
    if options.margin < 0:
        raise StepError(f"--margin is {options.margin:g}; expected 0 or more")


def _copy_model(model: Path, target: Path) -> None:
    """Replace the target folder by a copy of the model."""
    if model.resolve() == target.resolve():
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model, target, copy_function=shutil.copyfile)


def _build_record(outcome: Outcome, options: argparse.Namespace) -> Record:
    scores, record = outcome.to_json(), Record()
    record.add_params(chosen_on=scores["chosen_on"], replace_champion=options.replace_champion or None)
    record.add_params(metric=scores["metric"], minimum=options.minimum, margin=options.margin, target=scores["target"])
    record.add_params(
        champion=scores["winner"], champion_kept=scores["kept"], models=len(scores["models"]), seed=options.seed
    )
    if outcome.winner is not None:
        record.add_metrics(outcome.winner.scores)
    for model in scores["models"]:
        record.add_metrics(model["test"], f"{model['name']}.")
    record.add_dataset(
        "test", "test.parquet", "testing", {"rows": len(outcome.test), "columns": len(outcome.test.columns)}
    )
    for port in ("scores", "report_html", "report_md", "plots"):
        record.add_artifact(port)
    return record
