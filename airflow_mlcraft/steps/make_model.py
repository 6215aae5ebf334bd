"""Fitting of one model, with its folder, its metrics and its record."""

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
from airflow_mlcraft.ml.model_file import read_schema, save_model
from airflow_mlcraft.ml.numbered_classes import unwrap_estimator
from airflow_mlcraft.ml.preparation import build_pipeline
from airflow_mlcraft.ml.user_code import imports_of, module_name
from airflow_mlcraft.steps.learned_rows import write_learned_rows
from airflow_mlcraft.steps.model_options import FitSettings
from airflow_mlcraft.steps.models import build_model_card
from airflow_mlcraft.steps.record import Record, write_json
from airflow_mlcraft.steps.services import Services
from airflow_mlcraft.tracking import pyfunc_model
from airflow_mlcraft.tracking.model_folder import CODE, find_installed_requirements, write_model
from airflow_mlcraft.tracking.model_folder import MODEL as MODEL_FILE
from airflow_mlcraft.tracking.trusted_types import (
    CARD,
    KEY,
    RECORD,
    TRUSTED,
    describe_packages,
    find_library_modules,
    sign,
)

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.recipe import Recipe

MODEL = "model"
_SIGNATURE_ROWS, _CHECK_ROWS = 5, 200


def make_model(
    settings: FitSettings, params: dict[str, Any], folder: Path, services: Services, record: Record
) -> Fitted:
    """Fit the model with these params on the whole training part, and write it."""
    estimator = settings.build_estimator(params)
    if settings.code is not None:
        _check_with_few_rows(settings, params)
    if settings.metric_reason:
        services.log(settings.metric_reason)
    if not settings.supports_class_weight():
        services.log(f"{settings.name} knows no weights of classes; it is trained without them")
    with settings.user_code_errors():
        fitted = fit(
            settings.recipe,
            settings.train,
            estimator,
            name=settings.name,
            count=settings.folds,
            seed=settings.seed,
            cores=settings.cores,
            threshold=settings.threshold,
            metric=settings.metric,
        )
    for line in fitted.warnings:
        services.log(line)
    trusted = write_model_folder(settings, params, fitted, folder / MODEL)
    if trusted:
        services.log(_format_trust_message(settings, trusted))
    write_json(folder / "metrics.json", {"cv": fitted.cv, "train": fitted.train})
    _record_fit(settings, fitted, record, services)
    return fitted


def write_model_folder(settings: FitSettings, params: dict[str, Any], fitted: Fitted, target: Path) -> dict[str, Any]:
    """Write the model's folder, and check that it can be loaded. Returns the record of types to trust."""
    features = settings.recipe.typed(settings.train.head(_SIGNATURE_ROWS))
    with settings.user_code_errors():
        predictions = fitted.model.predict(features)
    metadata = {"model": settings.name, "task": settings.recipe.task, "target": settings.recipe.target}
    card, trusted = build_model_card(settings, params, fitted), dict[str, Any]()
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        file = save_model(fitted.model, Path(place) / "model.skops")
        types = pyfunc_model.find_unknown_types(file)
        modules = _user_modules(settings, types)
        process = None if settings.recipe.process is None else row_process.from_json(settings.recipe.process)
        code = [*modules.values(), *([_write_process(process, Path(place))] if process is not None else [])]
        libraries = find_library_modules(read_schema(file)) | {name for path in code for name in imports_of(path)}
        requirements = [
            *find_installed_requirements(),
            *(f"{package['name']}=={package['version']}" for package in describe_packages(libraries)),
        ]
        if process is None:
            typed_rows = settings.recipe.typed(settings.train)
            rows, example = (
                _format_dates(settings.recipe, typed_rows),
                _format_dates(settings.recipe, example_rows(typed_rows)),
            )
        else:
            rows = example = process.example_frame()
        optional_columns = (
            []
            if process is None
            else [column.name for column in process.columns if column.nullable or not column.needed]
        )
        write_model(
            target, file, rows, predictions, requirements=list(dict.fromkeys(requirements)), metadata=metadata,
            modules=modules, example=example, optional=optional_columns,
        )  # fmt: skip
        if process is not None:
            (target / CODE).mkdir(exist_ok=True)
            _write_process(process, target / CODE)
    if types:
        trusted = card[RECORD] = sign(target / MODEL_FILE, types)
    write_json(target / CARD, card)
    write_learned_rows(target, settings.recipe, settings.train)
    _check_loads(settings, target, features, predictions)
    return trusted


def _format_dates(recipe: Recipe, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with dates as texts in the source's format, as clients send them."""
    formatted = {name: rows[name].dt.strftime(form).astype(object) for name, form in recipe.formats.items()}
    return type(rows)({name: formatted.get(name, rows[name]) for name in rows}) if formatted else rows


def _write_process(process: row_process.RowProcess, folder: Path) -> Path:
    path = folder / process.file
    path.write_bytes(process.source.encode())
    return path


def _check_with_few_rows(settings: FitSettings, params: dict[str, Any]) -> None:
    """Fit on a few rows, save and load, so that user code that cannot be saved fails before a long fit.

    A few rows may be too few to fit; that is ignored, and the whole training part decides.
    """
    rows = settings.train.sample(min(_CHECK_ROWS, len(settings.train)), random_state=0)
    few_rows_settings = replace(settings, train=rows.sort_index().reset_index(drop=True), folds=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = build_pipeline(few_rows_settings.recipe, few_rows_settings.build_estimator(params))
            model.fit(
                few_rows_settings.recipe.typed(few_rows_settings.train),
                few_rows_settings.recipe.truth(few_rows_settings.train),
            )
    except Exception:
        return
    with tempfile.TemporaryDirectory() as place:
        write_model_folder(few_rows_settings, params, Fitted(model, {}, {}), Path(place) / MODEL)


def _user_modules(settings: FitSettings, types: set[str]) -> dict[str, Path]:
    """The user's file by its module name, if the model has types of it."""
    if settings.code is None:
        return {}
    module = module_name(settings.code)
    return {module: settings.code} if any(name.startswith(f"{module}.") for name in types) else {}


def _check_loads(settings: FitSettings, target: Path, features: pd.DataFrame, predictions: Any) -> None:
    try:
        predicted = pyfunc_model.load(target / MODEL_FILE).predict(features)
    except Exception as error:
        raise StepError(f"{settings.name} cannot be loaded again after it was saved: {_one_line(error)}") from error
    are_equal = np.allclose if np.asarray(predictions).dtype.kind == "f" else np.array_equal
    if np.shape(predicted) != np.shape(predictions) or not are_equal(predicted, predictions):
        raise StepError(f"{settings.name} does not answer as before after it was saved and loaded")


def _format_trust_message(settings: FitSettings, trusted: dict[str, Any]) -> str:
    module = module_name(settings.code) if settings.code is not None else ""
    own_types = [name.rpartition(".")[2] for name in trusted["types"] if module and name.startswith(f"{module}.")]
    packages = [f"{one['name']} {one['version']}" for one in trusted["packages"]]
    parts = [*([f"{', '.join(own_types)} of {settings.code.name}"] if own_types and settings.code else []), *packages]
    return (
        f"{settings.name} has types of {', '.join(parts) or ', '.join(trusted['types'])}: they are trusted, "
        f"as your code made them, and signed in {CARD}; on other machines set the same {KEY}, or {TRUSTED}"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _record_fit(settings: FitSettings, fitted: Fitted, record: Record, services: Services) -> None:
    recipe, metric = settings.recipe, settings.metric.name
    record.add_params(model=settings.name, target=recipe.target, prediction=recipe.task, metric=metric)
    record.add_params(seed=settings.seed, folds=settings.folds, recipe=recipe.hash()[:12])
    record.add_params(
        class_weight=settings.class_weight, threshold=fitted.threshold["value"] if fitted.threshold else None
    )
    for name, value in params_for_record(fitted.model).items():
        # An estimator may have a param of the same name, as k_neighbors has a metric.
        record.add_params(**{f"estimator.{name}" if name in record.params else name: value})
    for name, scores in fitted.cv.items():
        record.add_metrics({f"cv_{name}": scores["mean"], f"cv_{name}_std": scores["std"]})
        record.add_series(f"fold_{name}", scores["folds"])
    record.add_metrics(fitted.train, "train_")
    profile = {"rows": len(settings.train), "columns": len(settings.train.columns)}
    record.add_dataset("train", "train.parquet", "training", profile)
    record.add_model(MODEL, settings.name)
    record.add_artifact("metrics")
    if fitted.threshold and fitted.threshold["metric"]:
        threshold_text = f"{fitted.threshold['value']:g}, chosen on the folds for {fitted.threshold['metric']}"
        services.log(f"{settings.name}: {recipe.positive!r} is named from a probability of {threshold_text}")
    services.log(f"{settings.name}: {_score(metric, fitted)} ({len(settings.train)} rows)")


def params_for_record(model: Any) -> dict[str, Any]:
    """Params of the estimator that are not None, as JSON values; nested estimators as their class names."""
    params = unwrap_estimator(model[-1]).get_params().items()
    return {name: value for name, param in params if (value := _to_json_param(param)) is not None}


def _to_json_param(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_to_json_param(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _to_json_param(item) for name, item in value.items()}
    return type(value).__name__ if hasattr(value, "get_params") else None


def _score(metric: str, fitted: Fitted) -> str:
    if metric in fitted.cv:
        cv_scores = fitted.cv[metric]
        return f"{metric} {cv_scores['mean']:.4f} ± {cv_scores['std']:.4f} over {len(cv_scores['folds'])} folds"
    return f"{metric} on the training part {fitted.train.get(metric)}"
