"""Models side by side: each is asked about the same test rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import MlcraftError, StepError
from airflow_mlcraft.ml.fit import Scores
from airflow_mlcraft.ml.metrics import Answers, Metric, answers_of, metric_for, scores
from airflow_mlcraft.ml.target import truth
from airflow_mlcraft.steps import inputs
from airflow_mlcraft.steps.failed_model import reason_in
from airflow_mlcraft.steps.models import KeptModel, card_name, kept_model

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Contestant(KeptModel):
    """A model with a label that no other has, and what it said."""

    label: str
    answers: Answers
    scores: Scores
    is_champion: bool = False


@dataclass(frozen=True)
class Failed:
    """A model that could not be made, loaded or asked, and why."""

    label: str
    reason: str


@dataclass(frozen=True)
class Contest:
    """New models, today's champion if it can be compared, and what is to be said. `failed` are out."""

    metric: Metric
    new: list[Contestant]
    champion: Contestant | None
    notes: list[str] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)

    @property
    def everyone(self) -> list[Contestant]:
        """The champion comes last."""
        return [*self.new, *([self.champion] if self.champion else [])]


def contest(
    folder: Path, models: Sequence[str], champion: str | None, test: pd.DataFrame, metric: str | None
) -> Contest:
    """Ask all models about the test rows. What fails for one model takes it out, and the others are compared."""
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
    chosen = metric_for(first["task"], metric)
    known = truth(test, first["target"], first["task"], first["labels"], first["classes"])
    asked = [_asked_or_failed(one, label, test, known) for one, label in zip(kept, labels, strict=True)]
    new = [one for one in asked if isinstance(one, Contestant)]
    failed += [one for one in asked if isinstance(one, Failed)]
    if not new:
        raise _nothing_left(failed)
    if not any(one.scores.get(chosen.name) is not None for one in new):
        raise StepError(f"no model has a {chosen.name} on these test rows; choose another metric")
    held = Contest(chosen, new, None, [f"{one.label} is out: {one.reason}" for one in failed], failed)
    if champion is None:
        return held
    today = kept_model(folder, champion, "champion")
    try:
        if reason := _differs(first, today.card):
            raise StepError(reason)
        return replace(held, champion=_asked(today, f"champion ({today.name})", test, known, is_champion=True))
    except StepError as error:
        out = f"the champion of today, {today.name}, cannot be compared and is out: {error}"
        return replace(held, notes=[*held.notes, out])


def _kept_or_failed(folder: Path, name: str) -> KeptModel | Failed:
    if (known := reason_in(folder / name)) is not None:
        return Failed(*known)
    inputs.model_folder(folder, name, "models")
    try:
        return kept_model(folder, name, "models")
    except Exception as error:
        return Failed(card_name(folder / name), _reason(error))


def _asked_or_failed(kept: KeptModel, label: str, test: pd.DataFrame, known: Any) -> Contestant | Failed:
    try:
        return _asked(kept, label, test, known)
    except Exception as error:
        return Failed(label, _reason(error))


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, MlcraftError) else f"{type(error).__name__}: {said}"


def _nothing_left(failed: list[Failed]) -> StepError:
    reasons = "; ".join(f"{one.label}: {one.reason}" for one in failed)
    return StepError(f"no model is left to compare: {reasons}")


def _asked(kept: KeptModel, label: str, test: pd.DataFrame, known: Any, is_champion: bool = False) -> Contestant:
    answers = answers_of(kept.model, test, known, positive=kept.card.get("positive"))
    found = scores(kept.card["task"], answers)
    return Contestant(kept.folder, kept.card, kept.model, label, answers, found, is_champion)


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
