"""Who wins, who stays, and which gates hold."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from airflow_mlcraft.ml.champion import Candidate, ChampionScore, choose_champion
from airflow_mlcraft.ml.metrics import METRICS

ACC, LOSS = METRICS["acc"], METRICS["log_loss"]
NAMES = ["a", "b", "c"]


def candidates(scores: Sequence[float | None], tests: Sequence[float | None] | None = None) -> list[Candidate]:
    each = zip(NAMES, scores, tests or scores, strict=True)
    return [Candidate(name, score, test, test) for name, score, test in each]


def test_the_first_of_the_best_wins() -> None:
    assert choose_champion(ACC, candidates([0.5, 0.9, 0.9])).winner == 1
    assert choose_champion(LOSS, candidates([0.5, 0.9, 0.4])).winner == 2
    assert choose_champion(ACC, candidates([None, 0.1, None])).winner == 1


@pytest.mark.parametrize("nothing", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_never_wins(nothing: float | None) -> None:
    for metric in (ACC, LOSS):
        assert choose_champion(metric, candidates([nothing, 0.5, nothing])).winner == 1
        none = choose_champion(metric, candidates([nothing] * 3))
        assert (none.winner, none.reason) == (None, f"no new model has a value of {metric.name}")
        kept = choose_champion(metric, candidates([0.5, 0.5, 0.5], [nothing] * 3), today=ChampionScore(0.5))
        assert kept.kept
        assert choose_champion(metric, candidates([0.5] * 3), today=ChampionScore(nothing)).winner == 0


def test_cross_validation_chooses_and_the_test_part_only_measures() -> None:
    verdict = choose_champion(ACC, candidates([0.9, 0.8, 0.7], [0.5, 0.99, 0.6]))
    assert verdict.winner == 0
    assert verdict.reason == "a has the best acc, 0.9 in cross-validation, of 3 new models"


def test_a_baseline_never_wins() -> None:
    only = [Candidate("baseline", 0.9, 0.9, 0.9, is_baseline=True)]
    assert choose_champion(ACC, [*only, *candidates([0.1, 0.2, 0.3])]).winner == 3
    assert "never the champion" in choose_champion(ACC, only).reason


@pytest.mark.parametrize(
    ("today", "margin", "stays"),
    [(0.8, 0.0, False), (0.9, 0.0, True), (0.95, 0.0, True), (0.8, 0.05, False), (0.8, 0.2, True)],
)
def test_todays_champion_stays_unless_it_is_beaten(today: float, margin: float, stays: bool) -> None:
    verdict = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), today=ChampionScore(today), margin=margin)
    assert verdict.kept is stays
    assert verdict.winner == (None if stays else 1)
    assert "champion's" in verdict.reason
    mirrored = choose_champion(LOSS, candidates([0.5, 0.1, 0.3]), today=ChampionScore(1 - today), margin=margin)
    assert mirrored.kept is stays or abs(today - 0.9) < 1e-9


def test_numbers_that_differ_look_different() -> None:
    worse = choose_champion(LOSS, candidates([0.1020410004, 0.5, 0.5]), today=ChampionScore(0.1020410001))
    assert worse.reason.endswith("its log_loss of 0.1020410004 does not beat the champion's 0.1020410001")
    equal = choose_champion(LOSS, candidates([0.102041, 0.5, 0.5]), today=ChampionScore(0.102041))
    assert equal.reason.endswith("its log_loss of 0.102041 only equals the champion's")
    little = choose_champion(ACC, candidates([0.5, 0.91, 0.5]), today=ChampionScore(0.9), margin=0.05)
    assert little.reason.endswith("its acc of 0.91 beats the champion's 0.9 by 0.01 only, and 0.05 is asked for")


def test_a_champion_that_cannot_be_compared_stays_unless_it_is_to_be_replaced() -> None:
    today = ChampionScore(incomparable="it knows other classes")
    kept = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), today=today)
    assert kept.kept
    assert kept.reason == "b is the best new model, but the champion of today is not replaced: it knows other classes"
    assert choose_champion(ACC, candidates([0.5, 0.9, 0.7]), today=today, replace_champion=True).winner == 1
    better = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), today=ChampionScore(0.95), replace_champion=True)
    assert better.kept, "what can be compared has to be beaten"


def test_a_minimum() -> None:
    passed = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), minimum=0.9)
    assert passed.winner == 1
    failed = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), minimum=0.95)
    assert (failed.winner, failed.kept) == (None, False)
    assert failed.reason == "b is the best new model, but its acc of 0.9 is not at least 0.95"
    assert choose_champion(LOSS, candidates([0.5, 0.9, 0.7]), minimum=0.5).winner == 0
    assert choose_champion(LOSS, candidates([0.5, 0.9, 0.7]), minimum=0.4).winner is None
    assert choose_champion(ACC, candidates([0.5, 0.9, 0.7], [0.9, 0.6, 0.9]), minimum=0.8).winner is None
    kept = choose_champion(ACC, candidates([0.5, 0.9, 0.7]), minimum=0.95, today=ChampionScore(0.1))
    assert kept.kept
    assert [gate.passed for gate in kept.gates] == [False, True]
