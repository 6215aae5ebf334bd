"""Who wins, who stays, and which gates hold."""

from __future__ import annotations

import pytest

from airflow_mlcraft.ml.champion import choose_champion
from airflow_mlcraft.ml.metrics import METRICS

ACC, LOSS = METRICS["acc"], METRICS["log_loss"]
NAMES = ["a", "b", "c"]


def test_the_first_of_the_best_wins() -> None:
    assert choose_champion(ACC, NAMES, [0.5, 0.9, 0.9]).winner == 1
    assert choose_champion(LOSS, NAMES, [0.5, 0.9, 0.4]).winner == 2
    assert choose_champion(ACC, NAMES, [None, 0.1, None]).winner == 1


@pytest.mark.parametrize(
    ("today", "margin", "stays"),
    [(0.8, 0.0, False), (0.9, 0.0, True), (0.95, 0.0, True), (0.8, 0.05, False), (0.8, 0.2, True)],
)
def test_todays_champion_stays_unless_it_is_beaten(today: float, margin: float, stays: bool) -> None:
    verdict = choose_champion(ACC, NAMES, [0.5, 0.9, 0.7], champion=today, has_champion=True, margin=margin)
    assert verdict.kept is stays
    assert verdict.winner == (None if stays else 1)
    assert "champion's" in verdict.why
    mirrored = choose_champion(LOSS, NAMES, [0.5, 0.1, 0.3], champion=1 - today, has_champion=True, margin=margin)
    assert mirrored.kept is stays or abs(today - 0.9) < 1e-9


def test_a_minimum() -> None:
    passed = choose_champion(ACC, NAMES, [0.5, 0.9, 0.7], minimum=0.9)
    assert passed.winner == 1
    failed = choose_champion(ACC, NAMES, [0.5, 0.9, 0.7], minimum=0.95)
    assert (failed.winner, failed.kept) == (None, False)
    assert failed.why == "b is the best new model, but its acc of 0.9 is not at least 0.95"
    assert choose_champion(LOSS, NAMES, [0.5, 0.9, 0.7], minimum=0.5).winner == 0
    assert choose_champion(LOSS, NAMES, [0.5, 0.9, 0.7], minimum=0.4).winner is None
    kept = choose_champion(ACC, NAMES, [0.5, 0.9, 0.7], minimum=0.95, champion=0.1, has_champion=True)
    assert kept.kept
    assert [gate.passed for gate in kept.gates] == [False, True]
