"""Search the best parameters with Optuna: seeded, pruned over the folds, and the same when it is interrupted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import suggestion
from airflow_mlcraft.common.locks import locked_if_free
from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.metrics import Metric

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


COMPLETE, PRUNED, FAILED = "complete", "pruned", "failed"
PRUNERS = ("median", "none")
_FOLDS, _ERROR = "folds", "error"
_STARTUP = 5
_PRIME = 1_000_003
_SEEDS = 2**32

FoldScores = Callable[[Mapping[str, Any], int], float | None]


@dataclass(frozen=True)
class Trial:
    """One set of params that was tried. `folds` are the scores of the folds that were looked at."""

    number: int
    params: Mapping[str, Any]
    state: str
    score: float | None
    folds: list[float] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Search:
    """What to try, and how the score of one fold is found. Trial 0 is the model as it is."""

    metric: Metric
    space: Mapping[str, Any]
    distributions: Mapping[str, Any]
    score_fold: FoldScores
    folds: int
    trials: int
    seed: int
    pruner: str = "median"
    timeout: float | None = None
    journal: Path | None = None
    say: Callable[[str], None] = lambda line: None

    def run(self) -> list[Trial]:
        """All trials, those of a killed process among them."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        end = None if self.timeout is None else time.monotonic() + self.timeout
        first = self._first()
        self._told(first, first)
        with storage(self.journal) as kept:
            study = optuna.create_study(
                storage=kept,
                study_name="search",
                direction="maximize" if self.metric.higher_is_better else "minimize",
                pruner=self._pruner(),
                load_if_exists=True,
            )
            _forget_interrupted(study)
            done = self._done(study)
            if done:
                self.say(f"{min(len(done), self.trials)} trials are there already")
            while len(done) < self.trials and (end is None or time.monotonic() < end):
                self._one(study, len(done))
                done = self._done(study)
                made = [first, *self._all(done)]
                self._told(made[-1], self.best(made))
            return [first, *self._all(done[: self.trials])]

    def best(self, trials: list[Trial]) -> Trial:
        """The first of the best."""
        there = [one for one in trials if one.state == COMPLETE and one.score is not None]
        sign = -1.0 if self.metric.higher_is_better else 1.0
        return min(there, key=lambda one: sign * (one.score or 0.0))

    def _first(self) -> Trial:
        scores = [self.score_fold({}, place) for place in range(self.folds)]
        there = [score for score in scores if score is not None]
        if len(there) < len(scores):
            raise StepError(f"the model has no {self.metric.name} to search by; choose another metric")
        return Trial(0, {}, COMPLETE, float(np.mean(there)), there)

    def _one(self, study: Study, place: int) -> None:
        """One trial. Its seed depends on its place alone, so that it does not matter which process runs it."""
        import optuna

        study.sampler = optuna.samplers.TPESampler(seed=(self.seed * _PRIME + place) % _SEEDS)
        trial = study.ask(dict(self.distributions))
        params, scores = decoded(trial.params, self.space), list[float]()
        for fold in range(self.folds):
            try:
                score = self.score_fold(params, fold)
            except StepError as error:
                return _end(study, trial, scores, error=str(error))
            if score is None:
                return _end(study, trial, scores, error=f"no {self.metric.name} in fold {fold + 1}")
            scores.append(score)
            trial.report(float(np.mean(scores)), fold)
            if fold + 1 < self.folds and trial.should_prune():
                return _end(study, trial, scores, pruned=True)
        return _end(study, trial, scores)

    def _pruner(self) -> Any:
        from optuna import pruners

        if self.pruner not in PRUNERS:
            raise StepError(f"--pruner is {self.pruner!r}; expected {' or '.join(PRUNERS)}")
        if self.pruner == "none":
            return pruners.NopPruner()
        return pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=1)

    def _done(self, study: Study) -> list[FrozenTrial]:
        """Trials that came to an end by themselves."""
        there = study.get_trials(deepcopy=False)
        return [one for one in there if one.state.is_finished() and not _was_interrupted(one)]

    def _all(self, done: list[FrozenTrial]) -> list[Trial]:
        return [self._trial(number, one) for number, one in enumerate(done, 1)]

    def _trial(self, number: int, one: FrozenTrial) -> Trial:
        scores = one.user_attrs[_FOLDS]
        state = {"COMPLETE": COMPLETE, "PRUNED": PRUNED}.get(one.state.name, FAILED)
        score = float(np.mean(scores)) if scores else None
        return Trial(number, decoded(one.params, self.space), state, score, scores, one.user_attrs.get(_ERROR, ""))

    def _told(self, one: Trial, best: Trial) -> None:
        score = "" if one.score is None else f" {one.score:.5g}"
        words = {COMPLETE: f"{self.metric.name}{score}", PRUNED: f"pruned at{score}", FAILED: one.error}[one.state]
        self.say(f"trial {one.number} of {self.trials}: {words} (best {best.score:.5g}) {dict(one.params)}")


def _end(study: Study, trial: Any, scores: list[float], *, pruned: bool = False, error: str = "") -> None:
    """Keep the scores and the reason, and then end the trial."""
    from optuna.trial import TrialState

    if error:
        trial.set_user_attr(_ERROR, error)
    trial.set_user_attr(_FOLDS, scores)
    if error or pruned:
        study.tell(trial, state=TrialState.FAIL if error else TrialState.PRUNED)
    else:
        study.tell(trial, float(np.mean(scores)))


def _forget_interrupted(study: Study) -> None:
    """What a killed process has left is run anew, with the same seed; Optuna does not learn from failed trials."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _was_interrupted(trial: FrozenTrial) -> bool:
    """A trial that failed by itself says why."""
    return trial.state.name == "FAIL" and _ERROR not in trial.user_attrs


_FORM = (
    'a list of choices, or a range such as {"low": 0.1, "high": 10, "log": true} '
    'or {"low": 1, "high": 9, "type": "int"}'
)
_KNOWN = ("low", "high", "log", "type")


def distributions(space: Mapping[str, Any], known: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The space in Optuna's words. `known` are the parameters that the model has."""
    if not space:
        raise StepError(f"no search space is known for {name}; give one with --space")
    if unknown := [param for param in space if param not in known]:
        raise StepError(f"--space: {name} has no parameter {unknown[0]!r}; {suggestion(unknown[0], known)}")
    return {param: _distribution(param, space[param]) for param in sorted(space)}


def decoded(params: Mapping[str, Any], space: Mapping[str, Any]) -> dict[str, Any]:
    """Params that Optuna has chosen, as the model takes them."""
    return {
        param: json.loads(value) if isinstance(space[param], list) else value for param, value in sorted(params.items())
    }


def _distribution(param: str, given: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, list) and given:
        return CategoricalDistribution([json.dumps(choice, sort_keys=True) for choice in given])
    low, high, log, whole = _range(param, given)
    if whole:
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(param: str, given: Any) -> tuple[float, float, bool, bool]:
    if not isinstance(given, dict) or not {"low", "high"} <= set(given) <= set(_KNOWN):
        raise StepError(f"--space: {param} is {json.dumps(given)}; expected {_FORM}")
    low, high = given["low"], given["high"]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)) or low > high:
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected two numbers, the smaller one first")
    log, whole = bool(given.get("log", False)), given.get("type", "float") == "int"
    if log and low <= 0:
        raise StepError(f"--space: {param} goes from {low!r} in a logarithmic range; expected more than 0")
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected whole numbers for an int")
    return low, high, log, whole


@contextmanager
def storage(journal: Path | None) -> Iterator[Any]:
    """Optuna's storage. One process at a time has the file; the system frees it however that process ends."""
    if journal is None:
        from optuna.storages import InMemoryStorage

        yield InMemoryStorage()
        return
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal.parent.mkdir(parents=True, exist_ok=True)
    with locked_if_free(journal) as lock:
        if lock is None:
            raise StepError("another process is at work on the same search; try again later", temporary=True)
        _drop_half_line(journal)
        held: Any = _Held()
        yield JournalStorage(JournalFileBackend(str(journal), lock_obj=held))


class _Held:
    """A lock for Optuna, whose own would wait half a minute for a killed process. The file is ours already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


def _drop_half_line(journal: Path) -> None:
    """A process that was killed while it wrote leaves the beginning of a line."""
    with journal.open("r+b") as handle:
        content = handle.read()
        handle.truncate(content.rfind(b"\n") + 1)
