"""Options of fitting a model, shared by `train` and `tune`, and the settings that they give."""

from __future__ import annotations

import argparse
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.split import check_seed

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.metrics import Metric
    from airflow_mlcraft.ml.recipe import Recipe


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of fitting a model."""
    parser.add_argument("--train", required=True, metavar="FILE", help="the training part, as `process` makes it")
    parser.add_argument("--recipe", required=True, metavar="FILE", help="the recipe, as `process` makes it")
    parser.add_argument("--model", required=True, metavar="NAME", help="random_forest, ridge, … or one of --code")
    parser.add_argument("--params", metavar="JSON", help="params of the model, or a file of them")
    parser.add_argument("--code", metavar="FILE", help="a Python file with `estimators()` or `model(**params)`")
    parser.add_argument(
        "--metric", help="the metric that counts; acc or rmse by default, another where a class is rare"
    )
    parser.add_argument("--folds", type=int, default=5, help="folds of the cross-validation (5)")
    parser.add_argument(
        "--class-weight",
        metavar="WEIGHT",
        help='for estimators that know weights of classes: balanced, or JSON with labels: {"yes": 10, "no": 1}',
    )
    parser.add_argument(
        "--threshold",
        metavar="P",
        help="from which probability on the positive class is named: auto is chosen on the folds (0.5)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (0)")
    parser.add_argument("--cores", type=int, default=1, help="cores to use; nothing else depends on it (1)")


@dataclass(frozen=True)
class FitSettings:
    """The settings of a fit: the checked options, and the contents of the files that they name."""

    name: str
    recipe: Recipe
    train: pd.DataFrame
    metric: Metric
    params: dict[str, Any]
    code: Path | None
    folds: int
    seed: int
    cores: int
    metric_reason: str = ""
    class_weight: str | dict[Any, float] | None = None
    threshold: float | str | None = None

    def build_estimator(self, params: dict[str, Any]) -> Any:
        """Build a new estimator with these params."""
        from airflow_mlcraft.ml.class_balance import set_class_weight
        from airflow_mlcraft.ml.estimators import build_estimator

        estimator = build_estimator(self.recipe.task, self.name, params, self.seed, self.code)
        if self.class_weight is not None and not self._has_own_weight(params):
            set_class_weight(estimator, self.class_weight)
        return estimator

    def supports_class_weight(self) -> bool:
        """Whether the estimator accepts the class weights; True if none are set."""
        from airflow_mlcraft.ml.class_balance import set_class_weight
        from airflow_mlcraft.ml.estimators import build_estimator

        estimator = build_estimator(self.recipe.task, self.name, self.params, self.seed, self.code)
        return self.class_weight is None or set_class_weight(estimator, self.class_weight)

    def _has_own_weight(self, params: dict[str, Any]) -> bool:
        return any(name.rpartition("__")[2] == "class_weight" for name in params)

    def user_code_errors(self) -> AbstractContextManager[None]:
        """Context in which errors of the user's own estimators are raised with file and line."""
        from airflow_mlcraft.ml.user_code import locate_errors

        return locate_errors(self.code) if self.code else nullcontext()


def read_fit_settings(options: argparse.Namespace, folder: Path) -> FitSettings:
    """Read and check all options and the files that they name."""
    from airflow_mlcraft.ml.class_balance import count_classes, default_metric, parse_class_weight
    from airflow_mlcraft.ml.metrics import CLASSIFICATION, metric_for
    from airflow_mlcraft.ml.recipe import from_json

    check_seed(options.seed)
    if options.cores < 1:
        raise StepError(f"--cores is {options.cores}; expected 1 or more")
    recipe = from_json(inputs.json_file(folder, options.recipe, "recipe"))
    from airflow_mlcraft.ml.threshold import parse_threshold

    train, named, reason = inputs.frame(folder, options.train, "train"), options.metric, ""
    if not named and recipe.task == CLASSIFICATION and recipe.target in train.columns:
        named, reason = default_metric(recipe.task, count_classes(recipe.truth(train)), recipe.positive)
    if options.class_weight is not None and recipe.task != CLASSIFICATION:
        raise StepError(f"--class-weight is for classes, and this is a {recipe.task}; leave it out")
    return FitSettings(
        name=options.model,
        recipe=recipe,
        metric=metric_for(recipe.task, named),
        params=inputs.json_object(folder, options.params, "params"),
        code=inputs.file(folder, options.code, "code") if options.code else None,
        train=train,
        folds=options.folds,
        seed=options.seed,
        cores=options.cores,
        metric_reason=reason,
        class_weight=parse_class_weight(options.class_weight, recipe.classes) if options.class_weight else None,
        threshold=parse_threshold(options.threshold) if options.threshold else None,
    )
