"""What the record of a run keeps of an evaluation."""

from __future__ import annotations

from typing import Any

from airflow_mlcraft.project.run_records import ModelScore, RunRecord
from airflow_mlcraft.project.training import with_scores


def test_notes_of_the_comparison_and_the_baseline_are_kept() -> None:
    base = RunRecord(
        "train_1", "train", "", 0.0, "success", "acc", models=(ModelScore("tree"),), notes=("of the data",)
    )
    scores: dict[str, Any] = {
        "metric": "acc",
        "winner": "tree",
        "kept": False,
        "why": "it is the best",
        "notes": ["tree finds 'fraud' (0 of 4 rows) in the test part: recall 0"],
        "models": [
            {"name": "tree", "role": "new", "test": {"acc": 0.9}},
            {"name": "baseline", "role": "baseline", "test": {"acc": 0.8}},
        ],
    }
    record = with_scores(base, scores)
    assert record.notes == ("of the data", *scores["notes"])
    assert record.baseline == {"acc": 0.8}
    assert record.models[0].test == {"acc": 0.9}
