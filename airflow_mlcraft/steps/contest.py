"""Models side by side: each is asked about the same test rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.fit import Scores
from airflow_mlcraft.ml.metrics import Answers, Metric, answers_of, metric_for, scores
from airflow_mlcraft.ml.target import truth
from airflow_mlcraft.steps.models import KeptModel, kept_model

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
class Contest:
    """New models, today's champion if it can be compared, and what is to be said."""

    metric: Metric
    new: list[Contestant]
    champion: Contestant | None
    notes: list[str] = field(default_factory=list)

    @property
    def everyone(self) -> list[Contestant]:
        """The champion comes last."""
        return [*self.new, *([self.champion] if self.champion else [])]


def contest(
    folder: Path, models: Sequence[str], champion: str | None, test: pd.DataFrame, metric: str | None
) -> Contest:
    """Ask all models about the test rows."""
    kept = [kept_model(folder, name, "models") for name in models]
    first = kept[0].card
    for other in kept[1:]:
        if reason := _differs(first, other.card):
            raise StepError(f"--models: {kept[0].name} and {other.name} cannot be compared: {reason}")
    chosen = metric_for(first["task"], metric)
    known = truth(test, first["target"], first["task"], first["labels"], first["classes"])
    names = _labels([one.name for one in kept])
    new = [_asked(one, label, test, known) for one, label in zip(kept, names, strict=True)]
    if not any(one.scores.get(chosen.name) is not None for one in new):
        raise StepError(f"no model has a {chosen.name} on these test rows; choose another metric")
    found = Contest(chosen, new, None)
    if champion is None:
        return found
    today = kept_model(folder, champion, "champion")
    try:
        if reason := _differs(first, today.card):
            raise StepError(reason)
        asked = _asked(today, f"champion ({today.name})", test, known, is_champion=True)
        return replace(found, champion=asked)
    except StepError as error:
        return replace(found, notes=[f"the champion of today, {today.name}, cannot be compared and is out: {error}"])


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
