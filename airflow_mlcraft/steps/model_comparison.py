"""Comparison of models on the same test rows; today's champion only on those that it was not trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.ml.baseline import BASELINE, is_baseline, predict_baseline
from airflow_mlcraft.ml.champion import CROSS_VALIDATION, TEST, ChampionScore, format_distinct
from airflow_mlcraft.ml.class_balance import default_metric
from airflow_mlcraft.ml.fit import Scores
from airflow_mlcraft.ml.metrics import (
    CLASSIFICATION,
    Metric,
    Predictions,
    compute_predictions,
    concat_predictions,
    metric_for,
    score,
    score_all,
)
from airflow_mlcraft.ml.target import check_target, to_target
from airflow_mlcraft.steps import inputs, permissions
from airflow_mlcraft.steps.data_file import DataFile
from airflow_mlcraft.steps.failed_model import read_failure
from airflow_mlcraft.steps.learned_rows import MIN_COMPARED_ROWS, find_unseen_rows
from airflow_mlcraft.steps.models import StoredModel, card_name, load_model
from airflow_mlcraft.tracking.user_process import KEY as PROCESS

NEW, CHAMPION = "new", "champion"
_MAX_LISTED = 5


@dataclass(frozen=True)
class ComparedModel(StoredModel):
    """A model with a unique label, its predictions for the test rows and its scores.

    A champion may have no predictions.
    """

    label: str
    predictions: Predictions | None
    scores: Scores
    role: str = NEW
    against_champion: float | None = None

    def selection_score(self, metric: Metric, chosen_on: str) -> float | None:
        """The score by which the best new model is selected."""
        if chosen_on == TEST:
            return self.scores.get(metric.name)
        cv_score = self.card.get("cv", {}).get(metric.name)
        return None if cv_score is None else cv_score["mean"]

    @property
    def is_baseline(self) -> bool:
        """Whether the model ignores all columns."""
        return self.role == BASELINE or is_baseline(str(self.card.get("class", "")))


@dataclass(frozen=True)
class FailedModel:
    """A model that could not be trained, loaded or scored, and the reason."""

    label: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """New models, the baseline, today's champion and notes about them.

    `foreign` is the reason why today's champion is a model of something else, or empty. `unseen` masks the test rows
    that the champion was not trained on, on which it is compared. `failed` are the models that are left out.
    """

    metric: Metric
    new: list[ComparedModel]
    champion: ComparedModel | None = None
    baseline: ComparedModel | None = None
    chosen_on: str = CROSS_VALIDATION
    metric_reason: str = ""
    today: ChampionScore | None = None
    foreign: str = ""
    unseen: Any = None
    notes: list[str] = field(default_factory=list)
    failed: list[FailedModel] = field(default_factory=list)

    @property
    def compared_rows(self) -> int:
        """Number of rows on which today's champion is compared."""
        return 0 if self.unseen is None else int(self.unseen.sum())

    @property
    def learned(self) -> int:
        """Number of test rows that today's champion was trained on."""
        return 0 if self.unseen is None else int((~self.unseen).sum())

    @property
    def all_models(self) -> list[ComparedModel]:
        """The new models, today's champion and the baseline."""
        return [*self.new, *(one for one in (self.champion, self.baseline) if one is not None)]


def compare_models(
    folder: Path,
    models: Sequence[str],
    champion: str | None,
    test: DataFile,
    metric: str | None,
    *,
    replace_champion: bool = False,
) -> Comparison:
    """Score all models on the test rows. A model that fails is left out, and the others are compared.

    Of the rows, only the target and the models' predictions are kept in memory. Raises a `StepError` if today's
    champion
    cannot be loaded and is not to be replaced.
    """
    loaded = [_load_or_fail(folder, name) for name in models]
    stored = [one for one in loaded if isinstance(one, StoredModel)]
    names = _unique_labels([one.name if isinstance(one, StoredModel) else one.label for one in loaded])
    failed = [
        replace(one, label=label) for one, label in zip(loaded, names, strict=True) if isinstance(one, FailedModel)
    ]
    labels = [label for one, label in zip(loaded, names, strict=True) if isinstance(one, StoredModel)]
    if not stored:
        raise _no_models_error(failed)
    first = stored[0].card
    for other in stored[1:]:
        if reason := _describe_difference(first, other.card):
            raise StepError(f"--models: {stored[0].name} and {other.name} cannot be compared: {reason}")
    metric_to_compare, reason = _choose_metric(first, metric)
    check_target(test.head.head(0), first["target"])
    targets = test.read_columns([first["target"]])
    y_true = to_target(targets, first["target"], first["task"], first["labels"], first["classes"])
    scored = _score_or_fail_all(stored, labels, test, y_true, first.get("positive"))
    new = [one for one in scored if isinstance(one, ComparedModel)]
    failed += [one for one in scored if isinstance(one, FailedModel)]
    if not new:
        raise _no_models_error(failed)
    if not any(one.scores.get(metric_to_compare.name) is not None for one in new):
        raise StepError(f"no model has a {metric_to_compare.name} on these test rows; choose another metric")
    chosen_on, notes = _choose_selection(metric_to_compare, new)
    comparison = Comparison(metric_to_compare, new, None, _baseline(new, y_true), chosen_on, reason, failed=failed)
    failure_notes = [f"{one.label} is out: {one.reason}" for one in failed]
    comparison = replace(
        comparison, notes=[*([reason] if reason else []), *notes, *failure_notes, *_weak_model_notes(comparison)]
    )
    if champion is None:
        return comparison
    try:
        today_model = load_model(folder, champion, "champion")
    except Exception as error:
        if not replace_champion:
            raise StepError(
                f"the champion of today cannot be loaded, and stays: {_reason(error)}. Bring back what it needs, or "
                "give --replace-champion (`replace_champion` of the workflow) to replace it without a comparison"
            ) from error
        note = f"the champion of today cannot be loaded, and is replaced without a comparison: {_reason(error)}"
        return replace(comparison, notes=[*comparison.notes, note])
    return _compare_champion(comparison, today_model, test, y_true)


def _load_or_fail(folder: Path, name: str) -> StoredModel | FailedModel:
    permissions.current().check_named_file(folder / name, name, folder)
    if (failure := read_failure(folder / name)) is not None:
        return FailedModel(*failure)
    inputs.model_folder(folder, name, "models")
    try:
        return load_model(folder, name, "models")
    except Exception as error:
        return FailedModel(card_name(folder / name), _reason(error))


def _score_or_fail_all(
    stored: Sequence[StoredModel], labels: Sequence[str], test: DataFile, y_true: Any, positive: Any
) -> list[ComparedModel | FailedModel]:
    """Score each model on each batch of rows, so that the rows are read only once."""
    predictions: list[list[Predictions]] = [[] for _ in stored]
    failed: dict[int, FailedModel] = {}
    start = 0
    for frame in test.batches():
        rows = y_true[start : start + len(frame)]
        start += len(frame)
        for index, one in enumerate(stored):
            if index not in failed:
                try:
                    predictions[index].append(compute_predictions(one.model, frame, rows, positive=positive))
                except Exception as error:
                    failed[index] = FailedModel(labels[index], _reason(error))
    return [
        failed.get(index) or _score_or_fail(one, labels[index], predictions[index]) for index, one in enumerate(stored)
    ]


def _score_or_fail(stored: StoredModel, label: str, predictions: list[Predictions]) -> ComparedModel | FailedModel:
    try:
        return _to_compared_model(stored, label, predictions)
    except Exception as error:
        return FailedModel(label, _reason(error))


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    return message if isinstance(error, MlcraftError) else f"{type(error).__name__}: {message}"


def _no_models_error(failed: list[FailedModel]) -> StepError:
    reasons = "; ".join(f"{one.label}: {one.reason}" for one in failed)
    return StepError(f"no model is left to compare: {reasons}")


def _choose_metric(card: Mapping[str, Any], name: str | None) -> tuple[Metric, str]:
    """The metric that decides, and the reason if it is not the usual one."""
    counts = card.get("target_values", {}).get("counts")
    if name or card["task"] != CLASSIFICATION or counts is None:
        return metric_for(card["task"], name), ""
    by_class = dict(zip(card["classes"], counts, strict=True))
    usual, reason = default_metric(card["task"], by_class, card.get("positive"))
    return metric_for(card["task"], usual), reason


def _choose_selection(metric: Metric, new: Sequence[ComparedModel]) -> tuple[str, list[str]]:
    """What the best new model is selected on: cross-validation, or the test part if there are no folds; with notes."""
    eligible = [one for one in new if not one.is_baseline] or list(new)
    without = [one.label for one in eligible if not one.card.get("cv")]
    if not without and any(one.selection_score(metric, CROSS_VALIDATION) is not None for one in eligible):
        return CROSS_VALIDATION, []
    reason = f"{', '.join(without)} {'was' if len(without) == 1 else 'were'} trained without folds"
    if not without:
        reason = f"no model has a {metric.name} in all of its folds"
    if len(eligible) == 1:
        return TEST, []
    return TEST, [f"{reason}, so the test part chooses among the models: the winner's score on it is too good by some"]


def _baseline(new: Sequence[ComparedModel], y_true: Any) -> ComparedModel | None:
    """The baseline; None if one of the models is one, or if the models have no summary of their training rows."""
    card = new[0].card
    summary = card.get("target_values")
    if summary is None or any(one.is_baseline for one in new):
        return None
    predictions = predict_baseline(card["task"], summary, y_true, card["classes"], card.get("positive"))
    description = {"name": BASELINE, "class": BASELINE, "task": card["task"]}
    return ComparedModel(
        new[0].folder, description, None, BASELINE, predictions, score_all(card["task"], predictions), BASELINE
    )


def _weak_model_notes(comparison: Comparison) -> list[str]:
    """Notes about models that find no row of a class, or that do not beat the baseline."""
    notes = []
    for one in comparison.new:
        if one.is_baseline or one.predictions is None:
            continue
        if one.card["task"] == CLASSIFICATION and (missed := _describe_missed_classes(one.predictions)):
            notes.append(f"{one.label} finds {missed} in the test part: recall 0")
        metric_name = comparison.metric.name
        value, baseline_score = (
            one.scores.get(metric_name),
            comparison.baseline.scores.get(metric_name) if comparison.baseline else None,
        )
        if value is not None and baseline_score is not None and not comparison.metric.better(value, baseline_score):
            score_text, baseline_text = format_distinct(value, baseline_score)
            compared_text = "the same" if value == baseline_score else baseline_text
            notes.append(
                f"{one.label} does not beat the baseline: its {metric_name} on the test part is {score_text}, and "
                f"{_describe_baseline(comparison)} has {compared_text}"
            )
    return notes


def _describe_baseline(comparison: Comparison) -> str:
    is_classification = comparison.new[0].card["task"] == CLASSIFICATION
    return "always naming the most frequent class" if is_classification else "always naming the mean"


def _describe_missed_classes(predictions: Predictions) -> str:
    """Describe the classes of which no row is predicted correctly."""
    y_true, y_pred = np.asarray(predictions.y_true), np.asarray(predictions.y_pred)
    labels, counts = np.unique(y_true, return_counts=True)
    found_labels = set(np.unique(y_true[y_true == y_pred]).tolist())
    missed = [
        (label, count)
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True)
        if label not in found_labels
    ]
    shown = ", ".join(f"none of the {count} rows of {str(label)!r}" for label, count in missed[:_MAX_LISTED])
    return shown + (f" and of {len(missed) - _MAX_LISTED} more classes" if len(missed) > _MAX_LISTED else "")


def _compare_champion(comparison: Comparison, today: StoredModel, test: DataFile, y_true: Any) -> Comparison:
    """Add today's champion, scored on the rows that it was not trained on, if it predicts the same target."""
    label = f"champion ({today.name})"
    unscored = ComparedModel(today.folder, today.card, today.model, label, None, {}, CHAMPION)
    first = comparison.new[0]
    if reason := _describe_difference(today.card, first.card):
        return _incomparable(comparison, unscored, reason, foreign=True)
    try:
        today.model.predict(test.head)
    except StepError as error:
        if _has_other_process(today.card, first.card):
            note = (
                f"the {label} of today was made with another processor.py, and cannot be asked about these rows; it is"
            )
            return replace(comparison, notes=[*comparison.notes, f"{note} not compared: {error}"])
        return _incomparable(comparison, unscored, str(error), foreign=True)
    unseen = find_unseen_rows(test, first, today)
    if unseen.reason:
        return _incomparable(comparison, unscored, unseen.reason)
    unseen_rows = int(unseen.rows.sum())
    if unseen.learned and unseen_rows < MIN_COMPARED_ROWS:
        reason = (
            f"it has learned {unseen.learned} of the {len(test)} test rows, and {MIN_COMPARED_ROWS} others are needed "
            "to compare"
        )
        return _incomparable(comparison, unscored, f"{reason}, of which there are {unseen_rows}")
    scored = _score_model(today, label, test.select_rows(unseen.rows), y_true[unseen.rows], first.card.get("positive"))
    metric_name = comparison.metric.name
    new = [replace(one, against_champion=_score_on_rows(comparison.metric, one, unseen.rows)) for one in comparison.new]
    notes = list(comparison.notes)
    if unseen.learned:
        notes.append(
            f"{label} has learned {unseen.learned} of the {len(test)} test rows; it is compared with the best new "
            f"model on the other {unseen_rows}"
        )
    if _has_other_process(today.card, first.card):
        notes.append(f"{label} was made with another processor.py; it is asked about rows as the new one makes them")
    if scored.scores.get(metric_name) is None:
        notes.append(f"{label} has no {metric_name} on the test rows")
    score = ChampionScore(scored.scores.get(metric_name))
    return replace(
        comparison, new=new, champion=replace(scored, role=CHAMPION), today=score, unseen=unseen.rows, notes=notes
    )


def _has_other_process(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two models have the same source, but different `process` functions."""
    sources = [card.get("split", {}).get("rows", {}).get("columns") for card in (one, other)]
    return sources[0] is not None and sources[0] == sources[1] and _process_identity(one) != _process_identity(other)


def _process_identity(card: Mapping[str, Any]) -> Any:
    """The hash of a process's file, and its params. Its columns are left out, as they depend on the data."""
    process = card.get(PROCESS) or {}
    return process.get("sha256"), process.get("params")


def _score_on_rows(metric: Metric, one: ComparedModel, rows: Any) -> float | None:
    """The score of a new model on some of the rows."""
    if rows.all() or one.predictions is None:
        return one.scores.get(metric.name)
    return score(metric, one.predictions.select_rows(rows))


def _incomparable(comparison: Comparison, champion: ComparedModel, reason: str, *, foreign: bool = False) -> Comparison:
    note = f"the {champion.label} of today cannot be compared: {reason}"
    today = ChampionScore(incomparable=reason)
    return replace(
        comparison, champion=champion, today=today, foreign=reason if foreign else "", notes=[*comparison.notes, note]
    )


def _score_model(stored: StoredModel, label: str, test: DataFile, y_true: Any, positive: Any) -> ComparedModel:
    predictions, start = list[Predictions](), 0
    for frame in test.batches():
        if len(frame):
            predictions.append(
                compute_predictions(stored.model, frame, y_true[start : start + len(frame)], positive=positive)
            )
            start += len(frame)
    return _to_compared_model(stored, label, predictions)


def _to_compared_model(stored: StoredModel, label: str, batches: list[Predictions]) -> ComparedModel:
    predictions = concat_predictions(batches)
    scores = score_all(stored.card["task"], predictions)
    return ComparedModel(stored.folder, stored.card, stored.model, label, predictions, scores)


def _describe_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    for key, description in (("task", "is for"), ("target", "predicts"), ("classes", "knows the classes")):
        if one[key] != other[key]:
            return f"one {description} {one[key]}, the other {other[key]}"
    return ""


def _unique_labels(names: list[str]) -> list[str]:
    """The names, with a number appended where a name occurs again."""
    seen: Counter[str] = Counter()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return labels
