"""How a contest ended, and scores.json, which tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from airflow_mlcraft.ml.champion import Candidate, Verdict, choose_champion, order
from airflow_mlcraft.steps.data_file import DataFile
from airflow_mlcraft.steps.model_comparison import Contest, Contestant


@dataclass(frozen=True)
class Outcome:
    """Who took part, who has won, and on what."""

    contest: Contest
    verdict: Verdict
    test: DataFile
    train: DataFile | None

    @property
    def winner(self) -> Contestant | None:
        """A new model, today's champion if it stays, or nobody."""
        if self.verdict.kept:
            return self.contest.champion
        return None if self.verdict.winner is None else self.contest.new[self.verdict.winner]

    @property
    def best(self) -> Contestant:
        """The best new model."""
        able = [one for one in self.contest.new if not one.is_baseline] or self.contest.new
        scores = [one.choosing(self.contest.metric, self.contest.chosen_on) for one in able]
        return able[order(self.contest.metric, scores)[0]]

    def to_json(self) -> dict[str, Any]:
        """In the form of scores.json: the new models, the best first, then the champion of today and the baseline."""
        held, metric = self.contest, self.contest.metric
        card = held.new[0].card
        choosing = [one.choosing(metric, held.chosen_on) for one in held.new]
        ranked = [held.new[place] for place in order(metric, choosing)]
        ranked.sort(key=lambda one: one.is_baseline)
        others = held.everyone[len(held.new) :]
        return {
            "task": card["task"],
            "target": card["target"],
            "metric": metric.name,
            "metric_reason": held.metric_reason,
            "direction": metric.direction,
            "chosen_on": held.chosen_on,
            "rows": len(self.test),
            "winner": None if self.winner is None else self.winner.label,
            "kept": self.verdict.kept,
            "why": self.verdict.why,
            "gates": [asdict(gate) for gate in self.verdict.gates],
            "comparison": self._comparison(),
            "notes": held.notes,
            "failed": [asdict(one) for one in held.failed],
            "models": [
                *(self._model(one, rank) for rank, one in enumerate(ranked, 1)),
                *(self._model(one, None) for one in others),
            ],
        }

    def _comparison(self) -> dict[str, Any] | None:
        """The best new model and the champion of today on the rows that the champion has not learned."""
        held = self.contest
        if held.champion is None or held.today is None:
            return None
        if held.today.incomparable:
            return {"rows": 0, "learned": held.learned, "reason": held.today.incomparable}
        return {
            "rows": held.compared,
            "learned": held.learned,
            "new": {"name": self.best.label, held.metric.name: self.best.against_champion},
            "champion": {"name": held.champion.label, held.metric.name: held.today.score},
        }

    def _model(self, one: Contestant, rank: int | None) -> dict[str, Any]:
        return {
            "rank": rank,
            "name": one.label,
            "role": one.role,
            "class": one.card.get("class"),
            "rows": 0 if one.answers is None else len(one.answers.truth),
            "test": one.scores,
            "cv": one.card.get("cv", {}),
            "train": one.card.get("train", {}),
            "params": one.card.get("params", {}),
        }


def outcome(
    contest: Contest,
    test: DataFile,
    train: DataFile | None,
    *,
    minimum: float | None,
    margin: float,
    replace_champion: bool = False,
) -> Outcome:
    """Let the best win."""
    name = contest.metric.name
    verdict = choose_champion(
        contest.metric,
        [
            Candidate(
                one.label,
                one.choosing(contest.metric, contest.chosen_on),
                one.scores.get(name),
                one.against_champion,
                one.is_baseline,
            )
            for one in contest.new
        ],
        chosen_on=contest.chosen_on,
        today=contest.today,
        replace_champion=replace_champion,
        minimum=minimum,
        margin=margin,
    )
    return Outcome(contest, verdict, test, train)
