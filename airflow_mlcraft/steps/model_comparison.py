"""Models side by side: each is asked about the same test rows, today's champion about those it has not learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.ml.baseline import BASELINE, baseline_answers, is_baseline
from airflow_mlcraft.ml.champion import CROSS_VALIDATION, TEST, Today, told_apart
from airflow_mlcraft.ml.class_balance import default_metric
from airflow_mlcraft.ml.fit import Scores
from airflow_mlcraft.ml.metrics import (
    CLASSIFICATION,
    Answers,
    Metric,
    answers_of,
    join_answers,
    metric_for,
    score_of,
    scores,
)
from airflow_mlcraft.ml.target import check_target, truth
from airflow_mlcraft.steps import inputs, permissions
from airflow_mlcraft.steps.data_file import DataFile
from airflow_mlcraft.steps.failed_model import reason_in
from airflow_mlcraft.steps.learned_rows import FEWEST, unseen_rows
from airflow_mlcraft.steps.models import KeptModel, card_name, kept_model
from airflow_mlcraft.tracking.user_process import KEY as PROCESS

NEW, CHAMPION = "new", "champion"
_SHOWN = 5


@dataclass(frozen=True)
class Contestant(KeptModel):
    """A model with a label that no other has, and what it said about the test rows. A champion may not be asked."""

    label: str
    answers: Answers | None
    scores: Scores
    role: str = NEW
    against_champion: float | None = None

    def choosing(self, metric: Metric, chosen_on: str) -> float | None:
        """The score that chooses among the new models."""
        if chosen_on == TEST:
            return self.scores.get(metric.name)
        found = self.card.get("cv", {}).get(metric.name)
        return None if found is None else found["mean"]

    @property
    def is_baseline(self) -> bool:
        """Whether it looks at no column."""
        return self.role == BASELINE or is_baseline(str(self.card.get("class", "")))


@dataclass(frozen=True)
class Failed:
    """A model that could not be made, loaded or asked, and why."""

    label: str
    reason: str


@dataclass(frozen=True)
class Contest:
    """New models, the baseline, today's champion, and what is to be said.

    `foreign` says why the champion of today is one of something else. `unseen` are the test rows on which it is
    compared, because it has not learned them. `failed` are out.
    """

    metric: Metric
    new: list[Contestant]
    champion: Contestant | None = None
    baseline: Contestant | None = None
    chosen_on: str = CROSS_VALIDATION
    metric_reason: str = ""
    today: Today | None = None
    foreign: str = ""
    unseen: Any = None
    notes: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    @property
    def compared(self) -> int:
        """Rows on which the champion of today is compared."""
        return 0 if self.unseen is None else int(self.unseen.sum())

    @property
    def learned(self) -> int:
        """Test rows that it has learned."""
        return 0 if self.unseen is None else int((~self.unseen).sum())

    @property
    def everyone(self) -> list[Contestant]:
        """The new models, the champion of today, the baseline."""
        return [*self.new, *(one for one in (self.champion, self.baseline) if one is not None)]


def contest(
    folder: Path,
    models: Sequence[str],
    champion: str | None,
    test: DataFile,
    metric: str | None,
    *,
    replace_champion: bool = False,
) -> Contest:
    """Ask all models about the test rows. What fails for one model takes it out, and the others are compared.

    Of the rows only the target and what the models say are kept in memory. A champion of today that cannot be loaded is
    a `StepError`, unless it is to be replaced.
    """
    found = [_kept_or_failed(folder, name) for name in models]
    kept = [one for one in found if isinstance(one, KeptModel)]
    names = _labels([one.name if isinstance(one, KeptModel) else one.label for one in found])
    failed = [replace(one, label=label) for one, label in zip(found, names, strict=True) if isinstance(one, Failed)]
    labels = [label for one, label in zip(found, names, strict=True) if isinstance(one, KeptModel)]
    if not kept:
        raise _nothing_left(failed)
    first = kept[0].card
    for other in kept[1:]:
        if reason := _differs(first, other.card):
            raise StepError(f"--models: {kept[0].name} and {other.name} cannot be compared: {reason}")
    chosen, reason = _metric(first, metric)
    check_target(test.head.head(0), first["target"])
    targets = test.select([first["target"]])
    known = truth(targets, first["target"], first["task"], first["labels"], first["classes"])
    asked = _asked_or_failed(kept, labels, test, known, first.get("positive"))
    new = [one for one in asked if isinstance(one, Contestant)]
    failed += [one for one in asked if isinstance(one, Failed)]
    if not new:
        raise _nothing_left(failed)
    if not any(one.scores.get(chosen.name) is not None for one in new):
        raise StepError(f"no model has a {chosen.name} on these test rows; choose another metric")
    chosen_on, notes = _chosen_on(chosen, new)
    held = Contest(chosen, new, None, _baseline(new, known), chosen_on, reason, failed=failed)
    out = [f"{one.label} is out: {one.reason}" for one in failed]
    held = replace(held, notes=[*([reason] if reason else []), *notes, *out, *_warnings(held)])
    if champion is None:
        return held
    try:
        today = kept_model(folder, champion, "champion")
    except Exception as error:
        if not replace_champion:
            raise StepError(
                f"the champion of today cannot be loaded, and stays: {_reason(error)}. Bring back what it needs, or "
                "give --replace-champion (`replace_champion` of the workflow) to replace it without a comparison"
            ) from error
        note = f"the champion of today cannot be loaded, and is replaced without a comparison: {_reason(error)}"
        return replace(held, notes=[*held.notes, note])
    return _with_champion(held, today, test, known)


def _kept_or_failed(folder: Path, name: str) -> KeptModel | Failed:
    permissions.current().check_named_file(folder / name, name, folder)
    if (known := reason_in(folder / name)) is not None:
        return Failed(*known)
    inputs.model_folder(folder, name, "models")
    try:
        return kept_model(folder, name, "models")
    except Exception as error:
        return Failed(card_name(folder / name), _reason(error))


def _asked_or_failed(
    kept: Sequence[KeptModel], labels: Sequence[str], test: DataFile, known: Any, positive: Any
) -> list[Contestant | Failed]:
    """Each model about each batch of rows, so that the rows are read once."""
    answers: list[list[Answers]] = [[] for _ in kept]
    failed: dict[int, Failed] = {}
    start = 0
    for frame in test.batches():
        rows = known[start : start + len(frame)]
        start += len(frame)
        for place, one in enumerate(kept):
            if place not in failed:
                try:
                    answers[place].append(answers_of(one.model, frame, rows, positive=positive))
                except Exception as error:
                    failed[place] = Failed(labels[place], _reason(error))
    return [
        failed.get(place) or _scored_or_failed(one, labels[place], answers[place]) for place, one in enumerate(kept)
    ]


def _scored_or_failed(kept: KeptModel, label: str, answers: list[Answers]) -> Contestant | Failed:
    try:
        return _scored(kept, label, answers)
    except Exception as error:
        return Failed(label, _reason(error))


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, MlcraftError) else f"{type(error).__name__}: {said}"


def _nothing_left(failed: list[Failed]) -> StepError:
    reasons = "; ".join(f"{one.label}: {one.reason}" for one in failed)
    return StepError(f"no model is left to compare: {reasons}")


def _metric(card: Mapping[str, Any], name: str | None) -> tuple[Metric, str]:
    """The metric that decides, and why it is not the usual one."""
    counts = card.get("target_values", {}).get("counts")
    if name or card["task"] != CLASSIFICATION or counts is None:
        return metric_for(card["task"], name), ""
    by_class = dict(zip(card["classes"], counts, strict=True))
    usual, reason = default_metric(card["task"], by_class, card.get("positive"))
    return metric_for(card["task"], usual), reason


def _chosen_on(metric: Metric, new: Sequence[Contestant]) -> tuple[str, list[str]]:
    """What chooses among the new models: their folds, or the test part where there are none."""
    able = [one for one in new if not one.is_baseline] or list(new)
    without = [one.label for one in able if not one.card.get("cv")]
    if not without and any(one.choosing(metric, CROSS_VALIDATION) is not None for one in able):
        return CROSS_VALIDATION, []
    why = f"{', '.join(without)} {'was' if len(without) == 1 else 'were'} trained without folds"
    if not without:
        why = f"no model has a {metric.name} in all of its folds"
    if len(able) == 1:
        return TEST, []
    return TEST, [f"{why}, so the test part chooses among the models: the winner's score on it is too good by some"]


def _baseline(new: Sequence[Contestant], known: Any) -> Contestant | None:
    """Beside the models, unless it is one of them or the models do not say what their training rows were."""
    card = new[0].card
    summary = card.get("target_values")
    if summary is None or any(one.is_baseline for one in new):
        return None
    answers = baseline_answers(card["task"], summary, known, card["classes"], card.get("positive"))
    words = {"name": BASELINE, "class": BASELINE, "task": card["task"]}
    return Contestant(new[0].folder, words, None, BASELINE, answers, scores(card["task"], answers), BASELINE)


def _warnings(found: Contest) -> list[str]:
    """Models that find nothing of a class, or do not beat the baseline, with the numbers."""
    said = []
    for one in found.new:
        if one.is_baseline or one.answers is None:
            continue
        if one.card["task"] == CLASSIFICATION and (missed := _missed(one.answers)):
            said.append(f"{one.label} finds {missed} in the test part: recall 0")
        name = found.metric.name
        value, least = one.scores.get(name), found.baseline.scores.get(name) if found.baseline else None
        if value is not None and least is not None and not found.metric.better(value, least):
            ours, theirs = told_apart(value, least)
            other = "the same" if value == least else theirs
            said.append(
                f"{one.label} does not beat the baseline: its {name} on the test part is {ours}, and "
                f"{_baseline_words(found)} has {other}"
            )
    return said


def _baseline_words(found: Contest) -> str:
    classes = found.new[0].card["task"] == CLASSIFICATION
    return "always naming the most frequent class" if classes else "always naming the mean"


def _missed(answers: Answers) -> str:
    """Classes of which no row is found."""
    known, said = np.asarray(answers.truth), np.asarray(answers.predictions)
    there, counts = np.unique(known, return_counts=True)
    right = set(np.unique(known[known == said]).tolist())
    missed = [
        (label, count) for label, count in zip(there.tolist(), counts.tolist(), strict=True) if label not in right
    ]
    shown = ", ".join(f"none of the {count} rows of {str(label)!r}" for label, count in missed[:_SHOWN])
    return shown + (f" and of {len(missed) - _SHOWN} more classes" if len(missed) > _SHOWN else "")


def _with_champion(found: Contest, today: KeptModel, test: DataFile, known: Any) -> Contest:
    """The champion of today is asked about the rows that it has not learned, if it is one for the same thing."""
    label = f"champion ({today.name})"
    unasked = Contestant(today.folder, today.card, today.model, label, None, {}, CHAMPION)
    first = found.new[0]
    if reason := _differs(today.card, first.card):
        return _incomparable(found, unasked, reason, foreign=True)
    try:
        today.model.predict(test.head)
    except StepError as error:
        if _has_other_process(today.card, first.card):
            note = (
                f"the {label} of today was made with another processor.py, and cannot be asked about these rows; it is"
            )
            return replace(found, notes=[*found.notes, f"{note} not compared: {error}"])
        return _incomparable(found, unasked, str(error), foreign=True)
    unseen = unseen_rows(test, first, today)
    if unseen.reason:
        return _incomparable(found, unasked, unseen.reason)
    left = int(unseen.rows.sum())
    if unseen.learned and left < FEWEST:
        reason = (
            f"it has learned {unseen.learned} of the {len(test)} test rows, and {FEWEST} others are needed to compare"
        )
        return _incomparable(found, unasked, f"{reason}, of which there are {left}")
    asked = _asked(today, label, test.only(unseen.rows), known[unseen.rows], first.card.get("positive"))
    name = found.metric.name
    new = [replace(one, against_champion=_on(found.metric, one, unseen.rows)) for one in found.new]
    notes = list(found.notes)
    if unseen.learned:
        notes.append(
            f"{label} has learned {unseen.learned} of the {len(test)} test rows; it is compared with the best new "
            f"model on the other {left}"
        )
    if _has_other_process(today.card, first.card):
        notes.append(f"{label} was made with another processor.py; it is asked about rows as the new one makes them")
    if asked.scores.get(name) is None:
        notes.append(f"{label} has no {name} on the test rows")
    score = Today(asked.scores.get(name))
    return replace(found, new=new, champion=replace(asked, role=CHAMPION), today=score, unseen=unseen.rows, notes=notes)


def _has_other_process(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two models are of one source, whose rows their own `process` has made into others."""
    sources = [card.get("split", {}).get("rows", {}).get("columns") for card in (one, other)]
    return sources[0] is not None and sources[0] == sources[1] and _code_of(one) != _code_of(other)


def _code_of(card: Mapping[str, Any]) -> Any:
    """What tells one `process` from another: the hash of its file, and its params. Its columns follow the data."""
    process = card.get(PROCESS) or {}
    return process.get("sha256"), process.get("params")


def _on(metric: Metric, one: Contestant, rows: Any) -> float | None:
    """The score of a new model on some of the rows."""
    if rows.all() or one.answers is None:
        return one.scores.get(metric.name)
    return score_of(metric, one.answers.only(rows))


def _incomparable(found: Contest, champion: Contestant, reason: str, *, foreign: bool = False) -> Contest:
    note = f"the {champion.label} of today cannot be compared: {reason}"
    today = Today(incomparable=reason)
    return replace(found, champion=champion, today=today, foreign=reason if foreign else "", notes=[*found.notes, note])


def _asked(kept: KeptModel, label: str, test: DataFile, known: Any, positive: Any) -> Contestant:
    answers, start = list[Answers](), 0
    for frame in test.batches():
        if len(frame):
            answers.append(answers_of(kept.model, frame, known[start : start + len(frame)], positive=positive))
            start += len(frame)
    return _scored(kept, label, answers)


def _scored(kept: KeptModel, label: str, each: list[Answers]) -> Contestant:
    answers = join_answers(each)
    found = scores(kept.card["task"], answers)
    return Contestant(kept.folder, kept.card, kept.model, label, answers, found)


def _differs(one: dict[str, Any], other: dict[str, Any]) -> str:
    for key, words in (("task", "is for"), ("target", "predicts"), ("classes", "knows the classes")):
        if one[key] != other[key]:
            return f"one {words} {one[key]}, the other {other[key]}"
    return ""


def _labels(names: list[str]) -> list[str]:
    """Names, numbered where one comes twice."""
    seen: Counter[str] = Counter()
    made = []
    for name in names:
        seen[name] += 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made
