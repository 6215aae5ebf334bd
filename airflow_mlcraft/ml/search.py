"""Search for the best parameters with Optuna: seeded, pruned over the folds, and resumable from a journal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.common.did_you_mean import build_suggestion
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
    """A trial of one set of params. `folds` are the scores of the folds that were evaluated."""

    number: int
    params: Mapping[str, Any]
    state: str
    score: float | None
    folds: list[float] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Search:
    """A search: its space, and the function that scores a fold. Trial 0 is the model with its own params."""

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
    log: Callable[[str], None] = lambda line: None

    def run(self) -> list[Trial]:
        """Run the search; returns all trials, including those of an earlier, interrupted process."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        end = None if self.timeout is None else time.monotonic() + self.timeout
        first = self._run_first()
        self._log_trial(first, first)
        with open_storage(self.journal) as optuna_storage:
            study = optuna.create_study(
                storage=optuna_storage,
                study_name="search",
                direction="maximize" if self.metric.higher_is_better else "minimize",
                pruner=self._pruner(),
                load_if_exists=True,
            )
            _fail_interrupted(study)
            done = self._finished_trials(study)
            if done:
                self.log(f"{min(len(done), self.trials)} trials are there already")
            while len(done) < self.trials and (end is None or time.monotonic() < end):
                self._run_trial(study, len(done))
                done = self._finished_trials(study)
                trials = [first, *self._to_trials(done)]
                self._log_trial(trials[-1], self.best(trials))
            return [first, *self._to_trials(done[: self.trials])]

    def best(self, trials: list[Trial]) -> Trial:
        """The best trial; of equal ones the first."""
        candidates = [trial for trial in trials if trial.state == COMPLETE and trial.score is not None]
        sign = -1.0 if self.metric.higher_is_better else 1.0
        return min(candidates, key=lambda trial: sign * (trial.score or 0.0))

    def _run_first(self) -> Trial:
        scores = [self.score_fold({}, place) for place in range(self.folds)]
        candidates = [score for score in scores if score is not None]
        if len(candidates) < len(scores):
            raise StepError(f"the model has no {self.metric.name} to search by; choose another metric")
        return Trial(0, {}, COMPLETE, float(np.mean(candidates)), candidates)

    def _run_trial(self, study: Study, place: int) -> None:
        """Run one trial. Its seed depends only on its number, so that it does not matter which process runs it."""
        import optuna

        study.sampler = optuna.samplers.TPESampler(seed=(self.seed * _PRIME + place) % _SEEDS)
        trial = study.ask(dict(self.distributions))
        params, scores = decode_params(trial.params, self.space), list[float]()
        for fold in range(self.folds):
            try:
                score = self.score_fold(params, fold)
            except StepError as error:
                return _finish_trial(study, trial, scores, error=str(error))
            if score is None:
                return _finish_trial(study, trial, scores, error=f"no {self.metric.name} in fold {fold + 1}")
            scores.append(score)
            trial.report(float(np.mean(scores)), fold)
            if fold + 1 < self.folds and trial.should_prune():
                return _finish_trial(study, trial, scores, pruned=True)
        return _finish_trial(study, trial, scores)

    def _pruner(self) -> Any:
        from optuna import pruners

        if self.pruner not in PRUNERS:
            raise StepError(f"--pruner is {self.pruner!r}; expected {' or '.join(PRUNERS)}")
        if self.pruner == "none":
            return pruners.NopPruner()
        return pruners.MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=1)

    def _finished_trials(self, study: Study) -> list[FrozenTrial]:
        """Trials that have finished, without those that were interrupted."""
        trials = study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.state.is_finished() and not _was_interrupted(trial)]

    def _to_trials(self, done: list[FrozenTrial]) -> list[Trial]:
        return [self._to_trial(number, trial) for number, trial in enumerate(done, 1)]

    def _to_trial(self, number: int, trial: FrozenTrial) -> Trial:
        scores = trial.user_attrs[_FOLDS]
        state = {"COMPLETE": COMPLETE, "PRUNED": PRUNED}.get(trial.state.name, FAILED)
        score = float(np.mean(scores)) if scores else None
        return Trial(
            number, decode_params(trial.params, self.space), state, score, scores, trial.user_attrs.get(_ERROR, "")
        )

    def _log_trial(self, trial: Trial, best: Trial) -> None:
        score = "" if trial.score is None else f" {trial.score:.5g}"
        words = {COMPLETE: f"{self.metric.name}{score}", PRUNED: f"pruned at{score}", FAILED: trial.error}[trial.state]
        self.log(f"trial {trial.number} of {self.trials}: {words} (best {best.score:.5g}) {dict(trial.params)}")


def _finish_trial(study: Study, trial: Any, scores: list[float], *, pruned: bool = False, error: str = "") -> None:
    """Store the scores and the error of a trial, and then finish it."""
    from optuna.trial import TrialState

    if error:
        trial.set_user_attr(_ERROR, error)
    trial.set_user_attr(_FOLDS, scores)
    if error or pruned:
        study.tell(trial, state=TrialState.FAIL if error else TrialState.PRUNED)
    else:
        study.tell(trial, float(np.mean(scores)))


def _fail_interrupted(study: Study) -> None:
    """Mark trials of a killed process as failed. They run again with the same seed; Optuna ignores failed trials."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _was_interrupted(trial: FrozenTrial) -> bool:
    """Whether a failed trial was interrupted: trials that fail by themselves have an error."""
    return trial.state.name == "FAIL" and _ERROR not in trial.user_attrs


_SPACE_SYNTAX = (
    'a list of choices, or a range such as {"low": 0.1, "high": 10, "log": true} '
    'or {"low": 1, "high": 9, "type": "int"}'
)
_RANGE_KEYS = ("low", "high", "log", "type")


def distributions(space: Mapping[str, Any], known: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The space as distributions of Optuna. `known` are the parameters of the model."""
    if not space:
        raise StepError(f"no search space is known for {name}; give one with --space")
    if unknown := [param for param in space if param not in known]:
        raise StepError(f"--space: {name} has no parameter {unknown[0]!r}; {build_suggestion(unknown[0], known)}")
    return {param: _distribution(param, space[param]) for param in sorted(space)}


def decode_params(params: Mapping[str, Any], space: Mapping[str, Any]) -> dict[str, Any]:
    """Params chosen by Optuna as the model takes them: choices are stored as JSON."""
    return {
        param: json.loads(value) if isinstance(space[param], list) else value for param, value in sorted(params.items())
    }


def _distribution(param: str, space_entry: Any) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(space_entry, list) and space_entry:
        return CategoricalDistribution([json.dumps(choice, sort_keys=True) for choice in space_entry])
    low, high, log, whole = _range(param, space_entry)
    if whole:
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _range(param: str, space_entry: Any) -> tuple[float, float, bool, bool]:
    if not isinstance(space_entry, dict) or not {"low", "high"} <= set(space_entry) <= set(_RANGE_KEYS):
        raise StepError(f"--space: {param} is {json.dumps(space_entry)}; expected {_SPACE_SYNTAX}")
    low, high = space_entry["low"], space_entry["high"]
    if not all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high)) or low > high:
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected two numbers, the smaller one first")
    log, whole = bool(space_entry.get("log", False)), space_entry.get("type", "float") == "int"
    if log and low <= 0:
        raise StepError(f"--space: {param} goes from {low!r} in a logarithmic range; expected more than 0")
    if whole and not (float(low).is_integer() and float(high).is_integer()):
        raise StepError(f"--space: {param} goes from {low!r} to {high!r}; expected whole numbers for an int")
    return low, high, log, whole


@contextmanager
def open_storage(journal: Path | None) -> Iterator[Any]:
    """Open Optuna's storage in memory or in a journal file, which only one process at a time may use."""
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
        lock_object: Any = _NoLock()
        yield JournalStorage(JournalFileBackend(str(journal), lock_obj=lock_object))


class _NoLock:
    """A lock for Optuna that does nothing, as the file is locked already; its own waits long for killed processes."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


def _drop_half_line(journal: Path) -> None:
    """Remove an incomplete last line, which a process leaves that is killed while it writes."""
    with journal.open("r+b") as handle:
        content = handle.read()
        handle.truncate(content.rfind(b"\n") + 1)
