"""Fit one model, and write its folder, its metrics and what is to be recorded of it."""

from __future__ import annotations

import math
import shutil
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml import row_process
from airflow_mlcraft.ml.example_rows import example_rows
from airflow_mlcraft.ml.fit import Fitted, fit
from airflow_mlcraft.ml.model_file import read_schema, save
from airflow_mlcraft.ml.numbered_classes import inner
from airflow_mlcraft.ml.preparation import pipeline
from airflow_mlcraft.ml.user_code import imports_of, module_name
from airflow_mlcraft.steps.learned_rows import write_learned_rows
from airflow_mlcraft.steps.model_options import ModelWork
from airflow_mlcraft.steps.models import model_card
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.tracking import pyfunc_model
from airflow_mlcraft.tracking.model_folder import CODE, installed, write_model
from airflow_mlcraft.tracking.model_folder import MODEL as MODEL_FILE
from airflow_mlcraft.tracking.trusted_types import CARD, KEY, RECORD, TRUSTED, library_modules, packages_of, signed

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Recipe

MODEL = "model"
_HEAD, _FEW = 5, 200


def make_model(work: ModelWork, params: dict[str, Any], folder: Path, services: Services, record: Record) -> Fitted:
    """The model with these params, fitted on the whole training part."""
    estimator = work.estimator(params)
    if work.code is not None:
        _try_on_few_rows(work, params)
    if work.metric_reason:
        services.say(work.metric_reason)
    if not work.knows_class_weight():
        services.say(f"{work.name} knows no weights of classes; it is trained without them")
    with work.own_mistakes():
        fitted = fit(
            work.recipe,
            work.train,
            estimator,
            name=work.name,
            count=work.folds,
            seed=work.seed,
            cores=work.cores,
            threshold=work.threshold,
            metric=work.metric,
        )
    for line in fitted.warnings:
        services.say(line)
    trusted = write_folder(work, params, fitted, folder / MODEL)
    if trusted:
        services.say(_trust_sentence(work, trusted))
    write_json(folder / "metrics.json", {"cv": fitted.cv, "train": fitted.train})
    _tell(work, fitted, record, services)
    return fitted


def write_folder(work: ModelWork, params: dict[str, Any], fitted: Fitted, target: Path) -> dict[str, Any]:
    """The model's folder, which is loaded again and answers as before. Gives what is recorded of types to trust."""
    features = work.recipe.typed(work.train.head(_HEAD))
    with work.own_mistakes():
        predictions = fitted.model.predict(features)
    metadata = {"model": work.name, "task": work.recipe.task, "target": work.recipe.target}
    card, trusted = model_card(work, params, fitted), dict[str, Any]()
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        file = save(fitted.model, Path(place) / "model.skops")
        types = pyfunc_model.unknown_types(file)
        modules = _own_code(work, types)
        own = None if work.recipe.process is None else row_process.from_json(work.recipe.process)
        code = [*modules.values(), *([_written(own, Path(place))] if own is not None else [])]
        libraries = library_modules(read_schema(file)) | {name for path in code for name in imports_of(path)}
        needed = [*installed(), *(f"{one['name']}=={one['version']}" for one in packages_of(libraries))]
        if own is None:
            every = work.recipe.typed(work.train)
            rows, example = _as_written(work.recipe, every), _as_written(work.recipe, example_rows(every))
        else:
            rows = example = own.example_frame()
        optional = [] if own is None else [one.name for one in own.columns if one.nullable or not one.needed]
        write_model(
            target, file, rows, predictions, requirements=list(dict.fromkeys(needed)), metadata=metadata,
            modules=modules, example=example, optional=optional,
        )  # fmt: skip
        if own is not None:
            (target / CODE).mkdir(exist_ok=True)
            _written(own, target / CODE)
    if types:
        trusted = card[RECORD] = signed(target / MODEL_FILE, types)
    write_json(target / CARD, card)
    write_learned_rows(target, work.recipe, work.train)
    _check_loads(work, target, features, predictions)
    return trusted


def _as_written(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """Dates as the source writes them, and as clients send them."""
    written = {name: rows[name].dt.strftime(form).astype(object) for name, form in recipe.formats.items()}
    return type(rows)({name: written.get(name, rows[name]) for name in rows}) if written else rows


def _written(process: row_process.RowProcess, folder: Path) -> Path:
    path = folder / process.file
    path.write_bytes(process.source.encode())
    return path


def _try_on_few_rows(work: ModelWork, params: dict[str, Any]) -> None:
    """Save and load what the user's own code makes of a few rows, so that a refusal does not come after a long fit.

    Few rows may be too few to fit; the whole training part decides about that.
    """
    rows = work.train.sample(min(_FEW, len(work.train)), random_state=0)
    few = replace(work, train=rows.sort_index().reset_index(drop=True), folds=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = pipeline(few.recipe, few.estimator(params))
            model.fit(few.recipe.typed(few.train), few.recipe.truth(few.train))
    except Exception:
        return
    with tempfile.TemporaryDirectory() as place:
        write_folder(few, params, Fitted(model, {}, {}), Path(place) / MODEL)


def _own_code(work: ModelWork, types: set[str]) -> dict[str, Path]:
    """The user's file goes with the model if the model needs it."""
    if work.code is None:
        return {}
    module = module_name(work.code)
    return {module: work.code} if any(name.startswith(f"{module}.") for name in types) else {}


def _check_loads(work: ModelWork, target: Path, features: pd.DataFrame, predictions: Any) -> None:
    try:
        said = pyfunc_model.load(target / MODEL_FILE).predict(features)
    except Exception as error:
        raise StepError(f"{work.name} cannot be loaded again after it was saved: {_line(error)}") from error
    same = np.allclose if np.asarray(predictions).dtype.kind == "f" else np.array_equal
    if np.shape(said) != np.shape(predictions) or not same(said, predictions):
        raise StepError(f"{work.name} does not answer as before after it was saved and loaded")


def _trust_sentence(work: ModelWork, trusted: dict[str, Any]) -> str:
    module = module_name(work.code) if work.code is not None else ""
    own = [name.rpartition(".")[2] for name in trusted["types"] if module and name.startswith(f"{module}.")]
    packages = [f"{one['name']} {one['version']}" for one in trusted["packages"]]
    parts = [*([f"{', '.join(own)} of {work.code.name}"] if own and work.code else []), *packages]
    return (
        f"{work.name} has types of {', '.join(parts) or ', '.join(trusted['types'])}: they are trusted, as your code "
        f"made them, and signed in {CARD}; on other machines set the same {KEY}, or {TRUSTED}"
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _tell(work: ModelWork, fitted: Fitted, record: Record, services: Services) -> None:
    recipe, metric = work.recipe, work.metric.name
    record.param(model=work.name, target=recipe.target, prediction=recipe.task, metric=metric)
    record.param(seed=work.seed, folds=work.folds, recipe=recipe.hash()[:12])
    record.param(class_weight=work.class_weight, threshold=fitted.threshold["value"] if fitted.threshold else None)
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
    if fitted.threshold and fitted.threshold["metric"]:
        chosen = f"{fitted.threshold['value']:g}, chosen on the folds for {fitted.threshold['metric']}"
        services.say(f"{work.name}: {recipe.positive!r} is named from a probability of {chosen}")
    services.say(f"{work.name}: {_score(metric, fitted)} ({len(work.train)} rows)")


def shown_params(model: Any) -> dict[str, Any]:
    """Params of the estimator that are set to something, as JSON has them: of estimators inside, the class."""
    found = inner(model[-1]).get_params().items()
    return {name: value for name, given in found if (value := _shown(given)) is not None}


def _shown(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _shown(item) for name, item in value.items()}
    return type(value).__name__ if hasattr(value, "get_params") else None


def _score(metric: str, fitted: Fitted) -> str:
    if metric in fitted.cv:
        found = fitted.cv[metric]
        return f"{metric} {found['mean']:.4f} ± {found['std']:.4f} over {len(found['folds'])} folds"
    return f"{metric} on the training part {fitted.train.get(metric)}"
