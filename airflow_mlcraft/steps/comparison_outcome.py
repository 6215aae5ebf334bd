"""Outcome of a comparison of models, and its form in scores.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from airflow_mlcraft.ml.champion import Candidate, Verdict, choose_champion, rank_scores
from airflow_mlcraft.steps.data_file import DataFile
from airflow_mlcraft.steps.model_comparison import ComparedModel, Comparison


@dataclass(frozen=True)
class Outcome:
    """A comparison, the verdict about it, and the data that it was made on."""

    comparison: Comparison
    verdict: Verdict
    test: DataFile
    train: DataFile | None

    @property
    def winner(self) -> ComparedModel | None:
        """A new model, today's champion if it stays, or None."""
        if self.verdict.kept:
            return self.comparison.champion
        return None if self.verdict.winner is None else self.comparison.new[self.verdict.winner]

    @property
    def best_new_model(self) -> ComparedModel:
        """The best new model; a baseline only if there are no others."""
        eligible = [model for model in self.comparison.new if not model.is_baseline] or self.comparison.new
        scores = [model.selection_score(self.comparison.metric, self.comparison.chosen_on) for model in eligible]
        return eligible[rank_scores(self.comparison.metric, scores)[0]]

    def to_json(self) -> dict[str, Any]:
        """The content of scores.json: the new models, best first, then the champion of today and the baseline."""
        comparison, metric = self.comparison, self.comparison.metric
        card = comparison.new[0].card
        selection_scores = [model.selection_score(metric, comparison.chosen_on) for model in comparison.new]
        ranked = [comparison.new[place] for place in rank_scores(metric, selection_scores)]
        ranked.sort(key=lambda model: model.is_baseline)
        others = comparison.all_models[len(comparison.new) :]
        return {
            "task": card["task"],
            "target": card["target"],
            "metric": metric.name,
            "metric_reason": comparison.metric_reason,
            "direction": metric.direction,
            "chosen_on": comparison.chosen_on,
            "rows": len(self.test),
            "winner": None if self.winner is None else self.winner.label,
            "kept": self.verdict.kept,
            "why": self.verdict.reason,
            "gates": [asdict(gate) for gate in self.verdict.gates],
            "comparison": self._comparison(),
            "notes": comparison.notes,
            "failed": [asdict(model) for model in comparison.failed],
            "models": [
                *(self._model(model, rank) for rank, model in enumerate(ranked, 1)),
                *(self._model(model, None) for model in others),
            ],
        }

    def _comparison(self) -> dict[str, Any] | None:
        """The best new model and the champion of today on the rows that the champion has not learned."""
        comparison = self.comparison
        if comparison.champion is None or comparison.today is None:
            return None
        if comparison.today.incomparable:
            return {"rows": 0, "learned": comparison.learned, "reason": comparison.today.incomparable}
        return {
            "rows": comparison.compared_rows,
            "learned": comparison.learned,
            "new": {
                "name": self.best_new_model.label,
                comparison.metric.name: self.best_new_model.against_champion,
            },
            "champion": {"name": comparison.champion.label, comparison.metric.name: comparison.today.score},
        }

    def _model(self, model: ComparedModel, rank: int | None) -> dict[str, Any]:
        return {
            "rank": rank,
            "name": model.label,
            "role": model.role,
            "class": model.card.get("class"),
            "rows": 0 if model.predictions is None else len(model.predictions.y_true),
            "test": model.scores,
            "cv": model.card.get("cv", {}),
            "train": model.card.get("train", {}),
            "params": model.card.get("params", {}),
        }


def decide_outcome(
    comparison: Comparison,
    test: DataFile,
    train: DataFile | None,
    *,
    minimum: float | None,
    margin: float,
    replace_champion: bool = False,
) -> Outcome:
    """Choose the champion among the models of a comparison."""
    name = comparison.metric.name
    verdict = choose_champion(
        comparison.metric,
        [
            Candidate(
                model.label,
                model.selection_score(comparison.metric, comparison.chosen_on),
                model.scores.get(name),
                model.against_champion,
                model.is_baseline,
            )
            for model in comparison.new
        ],
        chosen_on=comparison.chosen_on,
        today=comparison.today,
        replace_champion=replace_champion,
        minimum=minimum,
        margin=margin,
    )
    return Outcome(comparison, verdict, test, train)
