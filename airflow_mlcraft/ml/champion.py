"""Choice of the champion: the best new model in cross-validation, if it beats today's champion on the test part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_mlcraft.ml.metrics import Metric

MINIMUM, MARGIN = "minimum", "margin"
CROSS_VALIDATION, TEST = "cross-validation", "test part"
_DIGITS = 17


@dataclass(frozen=True)
class Gate:
    """A requirement for the best new model, and whether it is met."""

    name: str
    limit: float
    value: float
    passed: bool
    words: str


@dataclass(frozen=True)
class Verdict:
    """The decision. `winner` is the index of a new model, or None; `kept` is true if today's champion stays."""

    winner: int | None
    kept: bool
    reason: str
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Candidate:
    """A new model: the score by which the best new model is selected, and its score on the test part."""

    name: str
    selection_score: float | None
    test: float | None
    against_champion: float | None = None
    """Its score on the rows on which the champion is compared."""
    is_baseline: bool = False


@dataclass(frozen=True)
class ChampionScore:
    """Today's champion. `score` is on the rows that it was not trained on; None if it cannot be compared."""

    score: float | None = None
    incomparable: str = ""
    """Why it is not compared, as the end of a sentence."""


def choose_champion(
    metric: Metric,
    candidates: Sequence[Candidate],
    *,
    chosen_on: str = CROSS_VALIDATION,
    today: ChampionScore | None = None,
    replace_champion: bool = False,
    minimum: float | None = None,
    margin: float = 0.0,
) -> Verdict:
    """Choose the best new model if it passes all gates. A baseline is never chosen.

    Today's champion has to be beaten; one that cannot be compared stays, unless it is to be replaced.
    """
    eligible = [place for place, one in enumerate(candidates) if not one.is_baseline]
    champion_stays = today is not None and not (replace_champion and today.incomparable)
    if not eligible:
        return Verdict(None, champion_stays, "the baseline is the only new model, and it is never the champion", ())
    best = eligible[rank_scores(metric, [candidates[place].selection_score for place in eligible])[0]]
    name, score = candidates[best].name, finite_or_none(candidates[best].selection_score)
    if score is None:
        return Verdict(None, champion_stays, f"no new model has a value of {metric.name}", ())
    gates = []
    if minimum is not None:
        gates.append(_minimum(metric, finite_or_none(candidates[best].test), minimum))
    if today is not None and not today.incomparable:
        gates.append(
            _margin(metric, finite_or_none(candidates[best].against_champion), finite_or_none(today.score), margin)
        )
    if failed := [gate for gate in gates if not gate.passed]:
        return Verdict(None, champion_stays, f"{name} is the best new model, but {failed[0].words}", tuple(gates))
    if today is not None and today.incomparable and not replace_champion:
        reason = f"{name} is the best new model, but the champion of today is not replaced: {today.incomparable}"
        return Verdict(None, True, reason, tuple(gates))
    count = f"{len(eligible)} new model{'s' * (len(eligible) > 1)}"
    reason = f"{name} has the best {metric.name}, {score:.6g}{_selection_text(chosen_on)}, of {count}"
    if gates and gates[-1].name == MARGIN:
        reason += f", and {gates[-1].words}"
    elif today is not None:
        reason += "; the champion of today, which cannot be compared, is replaced as was asked for"
    return Verdict(best, False, reason, tuple(gates))


def rank_scores(metric: Metric, scores: Sequence[float | None]) -> list[int]:
    """Indices from best to worst; equal scores keep their order, and missing scores come last."""

    def key(place: int) -> tuple[bool, float]:
        score = finite_or_none(scores[place])
        if score is None:
            return True, 0.0
        return False, -score if metric.higher_is_better else score

    return sorted(range(len(scores)), key=key)


def finite_or_none(score: float | None) -> float | None:
    """The score if it is finite, or None."""
    return score if score is not None and math.isfinite(score) else None


def format_distinct(one: float, champion_score: float) -> tuple[str, str]:
    """Two numbers with as many digits as show their difference."""
    for digits in range(6, _DIGITS + 1):
        texts = f"{one:.{digits}g}", f"{champion_score:.{digits}g}"
        if texts[0] != texts[1] or one == champion_score:
            break
    return texts


def _selection_text(chosen_on: str) -> str:
    return " in cross-validation" if chosen_on == CROSS_VALIDATION else f" on the {chosen_on}"


def _minimum(metric: Metric, score: float | None, limit: float) -> Gate:
    side = "at least" if metric.higher_is_better else "at most"
    if score is None:
        return Gate(
            MINIMUM, limit, 0.0, False, f"it has no {metric.name} on the test part, which is to be {side} {limit:g}"
        )
    passed = score == limit or metric.better(score, limit)
    own_score, limit_text = format_distinct(score, limit)
    words = f"its {metric.name} of {own_score} is {'' if passed else 'not '}{side} {limit_text}"
    return Gate(MINIMUM, limit, score, passed, words)


def _margin(metric: Metric, score: float | None, champion: float | None, limit: float) -> Gate:
    if score is None or champion is None:
        subject = "it" if score is None else "the champion"
        passed = champion is None and score is not None
        return Gate(MARGIN, limit, 0.0, passed, f"{subject} has no {metric.name} on these rows")
    gain = score - champion if metric.higher_is_better else champion - score
    passed = gain > 0 and gain >= limit
    own_score, champion_score = format_distinct(score, champion)
    if gain == 0:
        words = f"its {metric.name} of {own_score} only equals the champion's"
    elif passed or gain < 0:
        words = (
            f"its {metric.name} of {own_score} {'beats' if passed else 'does not beat'} the champion's {champion_score}"
        )
    else:
        words = (
            f"its {metric.name} of {own_score} beats the champion's {champion_score} by {gain:.3g} only, "
            f"and {limit:g} is asked for"
        )
    return Gate(MARGIN, limit, gain, passed, words)
