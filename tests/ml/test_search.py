"""Searches: the same from the same seed, on with what a killed process has left, and sentences for wrong spaces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import METRICS
from airflow_mlcraft.ml.search import Search, Trial, decode_params, distributions, open_storage

SPACE = {
    "C": {"low": 0.01, "high": 100, "log": True},
    "solver": ["lbfgs", "saga"],
    "max_iter": {"low": 5, "high": 50, "type": "int"},
}
KNOWN = LogisticRegression().get_params()


def score_fold(params: Any, fold: int) -> float:
    bonus = {"lbfgs": 0.1}.get(params.get("solver"), 0.0)
    return 1 - abs(params.get("C", 50) - 3) / 100 - fold * 0.01 + bonus + params.get("max_iter", 0) / 1000


def build_search(**changes: Any) -> Search:
    usual = Search(
        metric=METRICS["acc"],
        space=SPACE,
        distributions=distributions(SPACE, KNOWN, "logistic_regression"),
        score_fold=score_fold,
        folds=3,
        trials=25,
        seed=4,
    )
    return replace(usual, **changes)


def test_the_same_seed_tries_the_same() -> None:
    first, second = build_search().run(), build_search().run()
    assert first == second
    assert [one.number for one in first] == list(range(26))
    assert first[0].params == {}
    assert {one.state for one in first} == {"complete", "pruned"}
    assert build_search(seed=5).run() != first
    assert all(one.state == "complete" for one in build_search(pruner="none").run())
    best = build_search().best(first)
    scores = [one.score for one in first if one.score is not None and one.state == "complete"]
    assert best.score == max(scores)
    default_score = first[0].score
    assert default_score is not None
    assert max(scores) > default_score
    assert len(next(one for one in first if one.state == "pruned").folds) < 3


class KilledError(BaseException):
    pass


def fail_after(calls: int) -> Callable[[Any, int], float]:
    left = [calls]

    def score_or_fail(params: Any, fold: int) -> float:
        left[0] -= 1
        if left[0] < 0:
            raise KilledError
        return score_fold(params, fold)

    return score_or_fail


@pytest.mark.parametrize("calls", [4, 20, 38])
def test_an_interrupted_search_ends_as_if_it_had_not_been(calls: int, tmp_path: Path) -> None:
    journal = tmp_path / "state" / "search.journal"
    for more in (calls, 12):
        with pytest.raises(KilledError):
            build_search(journal=journal, score_fold=fail_after(more)).run()
        with journal.open("ab") as handle:
            handle.write(b'{"half a li')
    lines: list[str] = []
    assert build_search(journal=journal, log=lines.append).run() == build_search().run()
    assert any("are there already" in line for line in lines) or calls < 5
    again: list[Trial] = build_search(journal=journal, score_fold=fail_after(3)).run()
    assert again == build_search().run(), "only the model as it is is scored anew"


def test_fewer_and_more_trials_than_before(tmp_path: Path) -> None:
    journal = tmp_path / "search.journal"
    build_search(journal=journal, trials=10).run()
    assert build_search(journal=journal, trials=6).run() == build_search(trials=6).run()
    assert build_search(journal=journal, trials=25).run() == build_search().run()


def test_failed_trials_are_told_and_counted() -> None:
    def score_except_saga(params: Any, fold: int) -> float:
        if params.get("solver") == "saga" and fold == 1:
            raise StepError("saga does not like fold 1")
        return score_fold(params, fold)

    trials = build_search(score_fold=score_except_saga, pruner="none").run()
    failed = [one for one in trials if one.state == "failed"]
    assert failed
    assert all(one.error == "saga does not like fold 1" and len(one.folds) == 1 for one in failed)
    assert len(trials) == 26


def test_the_time_is_up() -> None:
    assert len(build_search(timeout=0).run()) == 1


def test_a_metric_without_a_value() -> None:
    with pytest.raises(StepError, match="no acc to search by"):
        build_search(score_fold=lambda params, fold: None).run()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    journal = tmp_path / "search.journal"
    with open_storage(journal), pytest.raises(StepError, match="another process") as error, open_storage(journal):
        pass
    assert error.value.temporary


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    journal = tmp_path / "search.journal"
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom airflow_mlcraft.ml.search import open_storage\n"
        "with open_storage(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(journal)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(build_search(journal=journal, trials=2).run()) == 3


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({}, "no search space is known for x; give one with --space"),
        ({"c": [1]}, "x has no parameter 'c'; did you mean 'C'"),
        ({"C": 3}, "C is 3; expected a list of choices, or a range"),
        ({"C": []}, "C is .*; expected a list"),
        ({"C": {"low": 1}}, "expected a list of choices, or a range"),
        ({"C": {"low": 1, "high": 2, "step": 1}}, "expected a list of choices, or a range"),
        ({"C": {"low": 2, "high": 1}}, "from 2 to 1; expected two numbers"),
        ({"C": {"low": "a", "high": 1}}, "from 'a' to 1"),
        ({"C": {"low": 0, "high": 1, "log": True}}, "logarithmic range"),
        ({"max_iter": {"low": 0.5, "high": 1, "type": "int"}}, "whole numbers"),
    ],
)
def test_wrong_spaces(space: dict[str, Any], words: str) -> None:
    with pytest.raises(StepError, match=words):
        distributions(space, KNOWN, "x")


def test_choices_may_be_anything_that_json_has() -> None:
    space = {"C": [[1], [2, 3], None]}
    made = distributions(space, KNOWN, "x")["C"].choices
    assert [decode_params({"C": choice}, space)["C"] for choice in made] == space["C"]
