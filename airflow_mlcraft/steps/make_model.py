"""Fit one model, and write its folder, its metrics and what is to be recorded of it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from airflow_mlcraft.ml.fit import Fitted, fit
from airflow_mlcraft.ml.model_file import save, types_of
from airflow_mlcraft.ml.user_code import module_name
from airflow_mlcraft.steps.model_card import model_card
from airflow_mlcraft.steps.model_options import ModelWork
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.tracking.model_folder import write_model
from airflow_mlcraft.tracking.pyfunc_model import TRUSTED

MODEL = "model"
CARD = "model.json"


def make_model(work: ModelWork, params: dict[str, Any], folder: Path, services: Services, record: Record) -> Fitted:
    """The model with these params, fitted on the whole training part."""
    estimator = work.estimator(params)
    seeds = {"count": work.folds, "seed": work.seed, "cores": work.cores}
    with work.own_mistakes():
        fitted = fit(work.recipe, work.train, estimator, name=work.name, **seeds)
    for line in fitted.warnings:
        services.say(line)
    features = work.recipe.typed(work.train)
    metadata = {"model": work.name, "task": work.recipe.task, "target": work.recipe.target}
    shutil.rmtree(folder / MODEL, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        file = save(fitted.model, Path(place) / "model.skops")
        predictions = fitted.model.predict(features.head())
        modules = _own_types(work, file, services)
        write_model(folder / MODEL, file, features, predictions, metadata=metadata, modules=modules)
    write_json(folder / MODEL / CARD, model_card(work, params, fitted))
    write_json(folder / "metrics.json", {"cv": fitted.cv, "train": fitted.train})
    _tell(work, fitted, record, services)
    return fitted


def _own_types(work: ModelWork, file: Path, services: Services) -> dict[str, Path]:
    """The user's file goes with the model if the model needs it; who loads it has to trust its types."""
    if work.code is None:
        return {}
    module = module_name(work.code)
    types = types_of(file, module)
    if not types:
        return {}
    services.say(
        f"{work.name} has types of {work.code.name}; whoever loads it has to trust them by the environment variable "
        f"{TRUSTED}={','.join(types)}"
    )
    return {module: work.code}


def _tell(work: ModelWork, fitted: Fitted, record: Record, services: Services) -> None:
    recipe, metric = work.recipe, work.metric.name
    record.param(model=work.name, target=recipe.target, prediction=recipe.task, metric=metric)
    record.param(seed=work.seed, folds=work.folds, recipe=recipe.hash()[:12])
    for name, value in shown_params(fitted.model).items():
        # An estimator may have a param of the same name, as k_neighbors has a metric.
        record.param(**{f"estimator.{name}" if name in record.params else name: value})
    for name, found in fitted.cv.items():
        record.metric({f"cv_{name}": found["mean"], f"cv_{name}_std": found["std"]})
        record.curve(f"fold_{name}", found["folds"])
    record.metric(fitted.train, "train_")
    profile = {"rows": len(work.train), "columns": len(work.train.columns)}
    record.dataset("train", "train.parquet", "training", profile)
    record.model(MODEL, work.name)
    record.artifact("metrics")
    services.say(f"{work.name}: {_score(metric, fitted)} ({len(work.train)} rows)")


def shown_params(model: Any) -> dict[str, Any]:
    """Params of the estimator that are set to something."""
    found = model[-1].get_params().items()
    plain = (str, int, float, bool, list, tuple)
    return {name: value for name, value in found if isinstance(value, plain)}


def _score(metric: str, fitted: Fitted) -> str:
    if metric in fitted.cv:
        found = fitted.cv[metric]
        return f"{metric} {found['mean']:.4f} ± {found['std']:.4f} over {len(found['folds'])} folds"
    return f"{metric} on the training part {fitted.train.get(metric)}"
