"""`tune`: a training part and a recipe in; the best parameters of a model, and the model with them, out."""

from __future__ import annotations

import argparse
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.failed_model import add_tolerate_option, tolerated
from airflow_mlcraft.steps.model_options import ModelWork, add_model_options
from airflow_mlcraft.steps.services import Services

if TYPE_CHECKING:
    from airflow_mlcraft.ml.search import FoldScores, Search, Trial
    from airflow_mlcraft.steps.record import Record

_FOLDS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options."""
    add_model_options(parser)
    add_tolerate_option(parser)
    parser.add_argument("--trials", type=int, default=20, help="how many sets of parameters to try (20)")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="begin no trial after this long")
    parser.add_argument("--space", metavar="JSON", help="what to try, or a file of it; by default what suits the model")
    parser.add_argument("--pruner", default="median", help="median (default) ends hopeless trials early; or none")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write params.json, trials.json, model/, metrics.json and record.json."""
    from airflow_mlcraft.steps import model_options

    work = model_options.read(options, folder)
    no_trials: dict[str, Any] = {"metric": work.metric.name, "best": None, "trials": []}
    with tolerated(options, work.name, folder, services, params={}, trials=no_trials):
        _tune(options, work, folder, services)


def _tune(options: argparse.Namespace, work: ModelWork, folder: Path, services: Services) -> None:
    from airflow_mlcraft.ml.fit import on_cores
    from airflow_mlcraft.steps.make_model import make_model
    from airflow_mlcraft.steps.record import Record, write_json

    search = _search(options, work, inputs.json_object(folder, options.space, "space"), services)
    with on_cores(work.cores), work.own_mistakes():
        trials = search.run()
    best = search.best(trials)
    params = {**work.params, **best.params}
    write_json(folder / "params.json", params)
    each = [_trial(one, work.metric.name) for one in trials]
    write_json(folder / "trials.json", {"metric": work.metric.name, "best": best.number, "trials": each})
    record = Record(trials=[{name: one[name] for name in ("number", "params", "metrics", "state")} for one in each])
    _tell(record, options, search, trials)
    services.say(f"best of {len(trials)} trials: number {best.number}, {work.metric.name} {best.score:.6g}, {params}")
    make_model(work, params, folder, services, record)
    record.write(folder)


def _search(options: argparse.Namespace, work: ModelWork, space: dict[str, Any], services: Services) -> Search:
    from airflow_mlcraft.ml.estimators import known_params
    from airflow_mlcraft.ml.numbered_classes import inner
    from airflow_mlcraft.ml.search import PRUNERS, Search, distributions

    if options.trials < 1:
        raise StepError(f"--trials is {options.trials}; expected 1 or more")
    if work.folds < _FOLDS:
        raise StepError(f"--folds is {work.folds}; a search needs 2 or more to score by")
    if options.pruner not in PRUNERS:
        raise StepError(f"--pruner is {options.pruner!r}; expected {' or '.join(PRUNERS)}")
    space = space or _usual_space(work)
    return Search(
        metric=work.metric,
        space=space,
        distributions=distributions(space, known_params(inner(work.estimator(work.params))), work.name),
        score_fold=_score_fold(work),
        folds=work.folds,
        trials=options.trials,
        seed=work.seed,
        pruner=options.pruner,
        timeout=options.timeout,
        journal=_journal(options, work, space, services),
        say=services.say,
    )


def _usual_space(work: ModelWork) -> dict[str, Any]:
    """What our table says; params that are given stay as they are given."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS, is_own

    known = ESTIMATORS[work.recipe.task].get(work.name)
    own = work.code is not None and is_own(work.name, work.code)
    usual = known.space if known is not None and not own else {}
    return {name: range_ for name, range_ in usual.items() if name not in work.params}


def _score_fold(work: ModelWork) -> FoldScores:
    from airflow_mlcraft.ml.fit import fold_scores, folds, telling
    from airflow_mlcraft.ml.preparation import pipeline, without_columns

    features, truth = work.recipe.typed(work.train), work.recipe.truth(work.train)
    cuts = folds(work.recipe, work.train, truth, work.folds, work.seed)

    def score(params: Any, fold: int) -> float | None:
        model = without_columns(pipeline(work.recipe, work.estimator({**work.params, **params})))
        with telling(work.name):
            return fold_scores(work.recipe, model, features, truth, cuts[fold])[work.metric.name]

    return score


def _journal(options: argparse.Namespace, work: ModelWork, space: dict[str, Any], services: Services) -> Path | None:
    """The same search has the same file; with anything else it would be another one."""
    if services.state is None:
        return None
    key = {
        "train": hashlib.sha256(work.train.to_csv().encode()).hexdigest(),
        "recipe": work.recipe.hash(),
        "model": work.name,
        "params": work.params,
        "code": None if work.code is None else sha256_of_file(work.code),
        "space": space,
        "metric": work.metric.name,
        "pruner": options.pruner,
        "seed": work.seed,
        "folds": work.folds,
        "versions": [version(name) for name in ("scikit-learn", "optuna", "numpy")],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return services.state / f"tune-{digest[:16]}.journal"


def _trial(one: Trial, metric: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": one.number,
        "params": dict(one.params),
        "metrics": {} if one.score is None else {metric: one.score},
        "state": one.state,
        "folds": one.folds,
    }
    return told | ({"error": one.error} if one.error else {})


def _tell(record: Record, options: argparse.Namespace, search: Search, trials: list[Trial]) -> None:
    record.param(trials=options.trials, pruner=options.pruner, space=dict(search.space))
    counts = {state: sum(one.state == state for one in trials) for state in ("complete", "pruned", "failed")}
    record.metric({f"trials_{state}": count for state, count in counts.items()})
    best = [search.best(trials[: place + 1]).score for place in range(len(trials))]
    record.curve(f"best_{search.metric.name}", best)
    record.artifact("params")
    record.artifact("trials")
