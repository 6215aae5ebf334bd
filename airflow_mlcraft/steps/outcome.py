"""How a contest ended, and scores.json, which tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml.champion import Verdict, choose_champion, order
from airflow_mlcraft.steps.contest import Contest, Contestant

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """Who took part, who has won, and on what."""

    contest: Contest
    verdict: Verdict
    test: pd.DataFrame
    train: pd.DataFrame | None

    @property
    def winner(self) -> Contestant | None:
        """A new model, today's champion if it stays, or nobody."""
        if self.verdict.kept:
            return self.contest.champion
        return None if self.verdict.winner is None else self.contest.new[self.verdict.winner]

    def to_json(self) -> dict[str, Any]:
        """In the form of scores.json; the best model comes first."""
        metric, everyone = self.contest.metric, self.contest.everyone
        card = everyone[0].card
        ranked = order(metric, [one.scores.get(metric.name) for one in everyone])
        return {
            "task": card["task"],
            "target": card["target"],
            "metric": metric.name,
            "direction": metric.direction,
            "rows": len(self.test),
            "winner": None if self.winner is None else self.winner.label,
            "kept": self.verdict.kept,
            "why": self.verdict.why,
            "gates": [asdict(gate) for gate in self.verdict.gates],
            "notes": self.contest.notes,
            "failed": [asdict(one) for one in self.contest.failed],
            "models": [_model(everyone[place], rank) for rank, place in enumerate(ranked, 1)],
        }


def outcome(
    contest: Contest, test: pd.DataFrame, train: pd.DataFrame | None, *, minimum: float | None, margin: float
) -> Outcome:
    """Let the best win."""
    name, today = contest.metric.name, contest.champion
    verdict = choose_champion(
        contest.metric,
        [one.label for one in contest.new],
        [one.scores.get(name) for one in contest.new],
        champion=today.scores.get(name) if today else None,
        has_champion=today is not None,
        minimum=minimum,
        margin=margin,
    )
    return Outcome(contest, verdict, test, train)


def _model(one: Contestant, rank: int) -> dict[str, Any]:
    return {
        "rank": rank,
        "name": one.label,
        "role": "champion" if one.is_champion else "new",
        "class": one.card.get("class"),
        "test": one.scores,
        "cv": one.card.get("cv", {}),
        "train": one.card.get("train", {}),
        "params": one.card.get("params", {}),
    }
