"""Who wins: the best of the new models in cross-validation, if it beats the champion of today on the test part."""

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
    """Something that the best new model has to reach."""

    name: str
    limit: float
    value: float
    passed: bool
    words: str


@dataclass(frozen=True)
class Verdict:
    """`winner` is a place among the new models, or None. `kept`: today's champion stays."""

    winner: int | None
    kept: bool
    why: str
    gates: tuple[Gate, ...]


@dataclass(frozen=True)
class Candidate:
    """A new model: the score that chooses among the new ones, and its score on the test part."""

    name: str
    choosing: float | None
    test: float | None
    against_champion: float | None = None
    """Its score on the rows that the champion is compared on."""
    is_baseline: bool = False


@dataclass(frozen=True)
class Today:
    """The champion of today. `score` is on the rows that it has not learned, None where it cannot be compared."""

    score: float | None = None
    incomparable: str = ""
    """Why it is not compared, as the end of a sentence."""


def choose_champion(
    metric: Metric,
    candidates: Sequence[Candidate],
    *,
    chosen_on: str = CROSS_VALIDATION,
    today: Today | None = None,
    replace_champion: bool = False,
    minimum: float | None = None,
    margin: float = 0.0,
) -> Verdict:
    """The first of the best new models wins if it passes the gates. A baseline never wins.

    A champion that cannot be compared stays, unless it is to be replaced; one that can be has to be beaten.
    """
    able = [place for place, one in enumerate(candidates) if not one.is_baseline]
    stays = today is not None and not (replace_champion and today.incomparable)
    if not able:
        return Verdict(None, stays, "the baseline is the only new model, and it is never the champion", ())
    best = able[order(metric, [candidates[place].choosing for place in able])[0]]
    name, score = candidates[best].name, number(candidates[best].choosing)
    if score is None:
        return Verdict(None, stays, f"no new model has a value of {metric.name}", ())
    gates = []
    if minimum is not None:
        gates.append(_minimum(metric, number(candidates[best].test), minimum))
    if today is not None and not today.incomparable:
        gates.append(_margin(metric, number(candidates[best].against_champion), number(today.score), margin))
    if failed := [gate for gate in gates if not gate.passed]:
        return Verdict(None, stays, f"{name} is the best new model, but {failed[0].words}", tuple(gates))
    if today is not None and today.incomparable and not replace_champion:
        why = f"{name} is the best new model, but the champion of today is not replaced: {today.incomparable}"
        return Verdict(None, True, why, tuple(gates))
    count = f"{len(able)} new model{'s' * (len(able) > 1)}"
    why = f"{name} has the best {metric.name}, {score:.6g}{_where(chosen_on)}, of {count}"
    if gates and gates[-1].name == MARGIN:
        why += f", and {gates[-1].words}"
    elif today is not None:
        why += "; the champion of today, which cannot be compared, is replaced as was asked for"
    return Verdict(best, False, why, tuple(gates))


def order(metric: Metric, scores: Sequence[float | None]) -> list[int]:
    """Places from best to worst; equal scores keep their order, and what has none comes last."""

    def key(place: int) -> tuple[bool, float]:
        score = number(scores[place])
        if score is None:
            return True, 0.0
        return False, -score if metric.higher_is_better else score

    return sorted(range(len(scores)), key=key)


def number(score: float | None) -> float | None:
    """A score that can be compared; what is no finite number is none."""
    return score if score is not None and math.isfinite(score) else None


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Two numbers with as many digits as it takes to see that they differ."""
    for digits in range(6, _DIGITS + 1):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1] or one == other:
            break
    return texts


def _where(chosen_on: str) -> str:
    return " in cross-validation" if chosen_on == CROSS_VALIDATION else f" on the {chosen_on}"


def _minimum(metric: Metric, score: float | None, limit: float) -> Gate:
    side = "at least" if metric.higher_is_better else "at most"
    if score is None:
        return Gate(
            MINIMUM, limit, 0.0, False, f"it has no {metric.name} on the test part, which is to be {side} {limit:g}"
        )
    passed = score == limit or metric.better(score, limit)
    said, wanted = told_apart(score, limit)
    words = f"its {metric.name} of {said} is {'' if passed else 'not '}{side} {wanted}"
    return Gate(MINIMUM, limit, score, passed, words)


def _margin(metric: Metric, score: float | None, champion: float | None, limit: float) -> Gate:
    if score is None or champion is None:
        whose = "it" if score is None else "the champion"
        passed = champion is None and score is not None
        return Gate(MARGIN, limit, 0.0, passed, f"{whose} has no {metric.name} on these rows")
    gain = score - champion if metric.higher_is_better else champion - score
    passed = gain > 0 and gain >= limit
    said, other = told_apart(score, champion)
    if gain == 0:
        words = f"its {metric.name} of {said} only equals the champion's"
    elif passed or gain < 0:
        words = f"its {metric.name} of {said} {'beats' if passed else 'does not beat'} the champion's {other}"
    else:
        words = (
            f"its {metric.name} of {said} beats the champion's {other} by {gain:.3g} only, and {limit:g} is asked for"
        )
    return Gate(MARGIN, limit, gain, passed, words)
