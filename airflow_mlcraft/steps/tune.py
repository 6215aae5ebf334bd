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
from airflow_mlcraft.steps.failed_model import add_tolerate_option, tolerate_failure
from airflow_mlcraft.steps.model_options import FitSettings, add_model_options
from airflow_mlcraft.steps.services import Services

if TYPE_CHECKING:
    from airflow_mlcraft.ml.search import FoldScores, Search, Trial
    from airflow_mlcraft.steps.record import Record

_MIN_FOLDS = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this step."""
    add_model_options(parser)
    add_tolerate_option(parser)
    parser.add_argument("--trials", type=int, default=20, help="how many sets of parameters to try (20)")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="begin no trial after this long")
    parser.add_argument("--space", metavar="JSON", help="what to try, or a file of it; by default what suits the model")
    parser.add_argument("--pruner", default="median", help="median (default) ends hopeless trials early; or none")


def run(options: argparse.Namespace, folder: Path, services: Services) -> None:
    """Write params.json, trials.json, model/, metrics.json and record.json."""
    from airflow_mlcraft.steps import model_options

    settings = model_options.read_fit_settings(options, folder)
    no_trials: dict[str, Any] = {"metric": settings.metric.name, "best": None, "trials": []}
    with tolerate_failure(options, settings.name, folder, services, params={}, trials=no_trials):
        _tune(options, settings, folder, services)


def _tune(options: argparse.Namespace, settings: FitSettings, folder: Path, services: Services) -> None:
    from airflow_mlcraft.ml.fit import limit_threads
    from airflow_mlcraft.steps.make_model import make_model
    from airflow_mlcraft.steps.record import Record, write_json

    search = _search(options, settings, inputs.json_object(folder, options.space, "space"), services)
    with limit_threads(settings.cores), settings.user_code_errors():
        trials = search.run()
    best = search.best(trials)
    params = {**settings.params, **best.params}
    write_json(folder / "params.json", params)
    trial_rows = [_trial_to_json(trial, settings.metric.name) for trial in trials]
    write_json(folder / "trials.json", {"metric": settings.metric.name, "best": best.number, "trials": trial_rows})
    record = Record(
        trials=[{name: trial[name] for name in ("number", "params", "metrics", "state")} for trial in trial_rows]
    )
    _record_search(record, options, search, trials)
    services.log(
        f"best of {len(trials)} trials: number {best.number}, {settings.metric.name} {best.score:.6g}, {params}"
    )
    make_model(settings, params, folder, services, record)
    record.write(folder)


def _search(options: argparse.Namespace, settings: FitSettings, space: dict[str, Any], services: Services) -> Search:
    from airflow_mlcraft.ml.estimators import known_params
    from airflow_mlcraft.ml.numbered_classes import unwrap_estimator
    from airflow_mlcraft.ml.search import PRUNERS, Search, distributions

    if options.trials < 1:
        raise StepError(f"--trials is {options.trials}; expected 1 or more")
    if settings.folds < _MIN_FOLDS:
        raise StepError(f"--folds is {settings.folds}; a search needs 2 or more to score by")
    if options.pruner not in PRUNERS:
        raise StepError(f"--pruner is {options.pruner!r}; expected {' or '.join(PRUNERS)}")
    space = space or _default_space(settings)
    return Search(
        metric=settings.metric,
        space=space,
        distributions=distributions(
            space, known_params(unwrap_estimator(settings.build_estimator(settings.params))), settings.name
        ),
        score_fold=_score_fold(settings),
        folds=settings.folds,
        trials=options.trials,
        seed=settings.seed,
        pruner=options.pruner,
        timeout=options.timeout,
        journal=_journal(options, settings, space, services),
        log=services.log,
    )


def _default_space(settings: FitSettings) -> dict[str, Any]:
    """The search space of the estimator's entry in `ESTIMATORS`, without the params that the user has set."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS, is_user_estimator

    known = ESTIMATORS[settings.recipe.task].get(settings.name)
    from_user = settings.code is not None and is_user_estimator(settings.name, settings.code)
    space = known.space if known is not None and not from_user else {}
    return {name: range_ for name, range_ in space.items() if name not in settings.params}


def _score_fold(settings: FitSettings) -> FoldScores:
    from airflow_mlcraft.ml.fit import collect_warnings, fold_scores, make_folds
    from airflow_mlcraft.ml.preparation import build_pipeline, without_columns

    features, truth = settings.recipe.typed(settings.train), settings.recipe.truth(settings.train)
    folds = make_folds(settings.recipe, settings.train, truth, settings.folds, settings.seed)

    def score(params: Any, fold: int) -> float | None:
        model = without_columns(
            build_pipeline(settings.recipe, settings.build_estimator({**settings.params, **params}))
        )
        with collect_warnings(settings.name):
            return fold_scores(settings.recipe, model, features, truth, folds[fold])[settings.metric.name]

    return score


def _journal(
    options: argparse.Namespace, settings: FitSettings, space: dict[str, Any], services: Services
) -> Path | None:
    """The journal file of this search; its name is a hash of all that the search depends on."""
    if services.state is None:
        return None
    key = {
        "train": hashlib.sha256(settings.train.to_csv().encode()).hexdigest(),
        "recipe": settings.recipe.hash(),
        "model": settings.name,
        "params": settings.params,
        "code": None if settings.code is None else sha256_of_file(settings.code),
        "space": space,
        "metric": settings.metric.name,
        "pruner": options.pruner,
        "seed": settings.seed,
        "folds": settings.folds,
        "versions": [version(name) for name in ("scikit-learn", "optuna", "numpy")],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return services.state / f"tune-{digest[:16]}.journal"


def _trial_to_json(trial: Trial, metric: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": trial.number,
        "params": dict(trial.params),
        "metrics": {} if trial.score is None else {metric: trial.score},
        "state": trial.state,
        "folds": trial.folds,
    }
    return row | ({"error": trial.error} if trial.error else {})


def _record_search(record: Record, options: argparse.Namespace, search: Search, trials: list[Trial]) -> None:
    record.add_params(trials=options.trials, pruner=options.pruner, space=dict(search.space))
    counts = {state: sum(trial.state == state for trial in trials) for state in ("complete", "pruned", "failed")}
    record.add_metrics({f"trials_{state}": count for state, count in counts.items()})
    best_score = [search.best(trials[: place + 1]).score for place in range(len(trials))]
    record.add_series(f"best_{search.metric.name}", best_score)
    record.add_artifact("params")
    record.add_artifact("trials")
