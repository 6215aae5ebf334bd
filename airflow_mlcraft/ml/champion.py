"""Who wins: the best of the new models, or the champion of today, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_mlcraft.ml.metrics import Metric

MINIMUM, MARGIN = "minimum", "margin"


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


def choose_champion(
    metric: Metric,
    names: Sequence[str],
    scores: Sequence[float | None],
    *,
    champion: float | None = None,
    has_champion: bool = False,
    minimum: float | None = None,
    margin: float = 0.0,
) -> Verdict:
    """The first of the best new models wins if it passes the gates; `champion` is today's score on the same rows."""
    ranked = order(metric, scores)
    best = ranked[0]
    score = scores[best]
    if score is None:
        return Verdict(None, has_champion, f"no new model has a value of {metric.name}", ())
    gates = []
    if minimum is not None:
        gates.append(_minimum(metric, score, minimum))
    if champion is not None:
        gates.append(_margin(metric, score, champion, margin))
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        return Verdict(None, has_champion, f"{names[best]} is the best new model, but {failed[0].words}", tuple(gates))
    why = f"{names[best]} has the best {metric.name}, {score:.6g}, of {len(names)} new model{'s' * (len(names) > 1)}"
    if champion is not None:
        why += f", and beats the champion's {champion:.6g}"
    elif has_champion:
        why += "; the champion could not be scored on these rows"
    return Verdict(best, False, why, tuple(gates))


def order(metric: Metric, scores: Sequence[float | None]) -> list[int]:
    """Places from best to worst; equal scores keep their order, and what has none comes last."""

    def key(place: int) -> tuple[bool, float]:
        score = scores[place]
        if score is None:
            return True, 0.0
        return False, -score if metric.higher_is_better else score

    return sorted(range(len(scores)), key=key)


def _minimum(metric: Metric, score: float, limit: float) -> Gate:
    passed = score == limit or metric.better(score, limit)
    side = "at least" if metric.higher_is_better else "at most"
    words = f"its {metric.name} of {score:.6g} is {'' if passed else 'not '}{side} {limit:g}"
    return Gate(MINIMUM, limit, score, passed, words)


def _margin(metric: Metric, score: float, champion: float, limit: float) -> Gate:
    gain = score - champion if metric.higher_is_better else champion - score
    passed = gain > 0 and gain >= limit
    asked = f"by {limit:g} or more " if limit else ""
    verb = "beats" if passed else "does not beat"
    words = f"its {metric.name} of {score:.6g} {verb} the champion's {champion:.6g} {asked}".strip()
    return Gate(MARGIN, limit, gain, passed, words)
