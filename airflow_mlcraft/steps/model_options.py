"""The options of fitting a model, and reading what they name; `train` and `tune` share them."""

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
    """What to fit on what."""
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
class ModelWork:
    """What the options name, read."""

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

    def estimator(self, params: dict[str, Any]) -> Any:
        """A new one, with these params."""
        from airflow_mlcraft.ml.class_balance import set_class_weight
        from airflow_mlcraft.ml.estimators import choose

        made = choose(self.recipe.task, self.name, params, self.seed, self.code)
        if self.class_weight is not None and not self._has_own_weight(params):
            set_class_weight(made, self.class_weight)
        return made

    def knows_class_weight(self) -> bool:
        """Whether the estimator takes the weights that were given."""
        from airflow_mlcraft.ml.class_balance import set_class_weight
        from airflow_mlcraft.ml.estimators import choose

        made = choose(self.recipe.task, self.name, self.params, self.seed, self.code)
        return self.class_weight is None or set_class_weight(made, self.class_weight)

    def _has_own_weight(self, params: dict[str, Any]) -> bool:
        return any(name.rpartition("__")[2] == "class_weight" for name in params)

    def own_mistakes(self) -> AbstractContextManager[None]:
        """What goes wrong in the user's own estimators is told with file and line."""
        from airflow_mlcraft.ml.user_code import told

        return told(self.code) if self.code else nullcontext()


def read(options: argparse.Namespace, folder: Path) -> ModelWork:
    """Read and check everything before any work begins."""
    from airflow_mlcraft.ml.class_balance import class_counts, default_metric, parse_class_weight
    from airflow_mlcraft.ml.metrics import CLASSIFICATION, metric_for
    from airflow_mlcraft.ml.recipe import from_json

    check_seed(options.seed)
    if options.cores < 1:
        raise StepError(f"--cores is {options.cores}; expected 1 or more")
    recipe = from_json(inputs.json_file(folder, options.recipe, "recipe"))
    from airflow_mlcraft.ml.threshold import parse_threshold

    train, named, reason = inputs.frame(folder, options.train, "train"), options.metric, ""
    if not named and recipe.task == CLASSIFICATION and recipe.target in train.columns:
        named, reason = default_metric(recipe.task, class_counts(recipe.truth(train)), recipe.positive)
    if options.class_weight is not None and recipe.task != CLASSIFICATION:
        raise StepError(f"--class-weight is for classes, and this is a {recipe.task}; leave it out")
    return ModelWork(
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
