"""Records of a project's runs, a JSON file each, so that the history needs neither Airflow nor MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.project.project_paths import Project

TRAIN = "train"
MODELS, TUNE, MODELS_OF = "models", "tune", "models_of"
"""Options of a run besides its overrides: models, number of trials, and the run whose models are evaluated."""
_SPLIT_KEYS = {"split_seed", "test_size", "stratify", "group", "time", "source", "target"}


@dataclass(frozen=True)
class ModelScore:
    """A model of a run with its scores by cross-validation and on the test part."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    state: str = "success"
    seconds: float | None = None
    cv: Mapping[str, float | None] = field(default_factory=dict)
    test: Mapping[str, float | None] = field(default_factory=dict)
    winner: bool = False
    fault: str = ""
    """The reason why the training failed; empty if it did not."""


@dataclass(frozen=True)
class RunRecord:
    """The record of a run: its options, state and results. The field names are the keys of its JSON file."""

    run_id: str
    verb: str
    started: str
    seconds: float
    state: str
    metric: str
    set: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[ModelScore, ...] = ()
    champion: str = ""
    score: float | None = None
    kept: bool = False
    why: str = ""
    error: str = ""
    data: str = ""
    commit: str = ""
    server: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    dag: str = ""
    """The id of the run's DAG, if the project has been renamed since."""
    code: str = ""
    """The commit with the project's own code of the run."""
    dirty: str = ""
    """The reason why that commit is not on the branch; empty if it is."""
    notes: tuple[str, ...] = ()
    """Warnings about the data and the comparison."""
    baseline: Mapping[str, float | None] = field(default_factory=dict)
    """Scores on the test part of a model that always predicts the most frequent class, or the mean."""

    @property
    def short_id(self) -> str:
        """The last part of the run id, which tables show."""
        return self.run_id.rpartition("_")[2]

    @property
    def options_text(self) -> str:
        """The options as on the command line."""
        return " ".join(f"{key}={format_value(value)}" for key, value in self.set.items() if key != MODELS_OF)

    @property
    def has_other_split(self) -> bool:
        """Whether the run had another test part than the project, so a champion may be trained on some of its rows."""
        return not _SPLIT_KEYS.isdisjoint(self.set)

    @property
    def ok(self) -> bool:
        return self.state == "success"

    def to_json(self) -> dict[str, Any]:
        """The form of the record file and of `--json`."""
        return asdict(self)


def format_value(value: Any) -> str:
    """The value of an option as on the command line."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def write_record(project: Project, record: RunRecord) -> None:
    """Write the file of a record."""
    write_text_atomically(project.runs / f"{record.run_id}.json", json.dumps(record.to_json(), indent=1) + "\n")


def load_records(project: Project) -> list[RunRecord]:
    """The records of all runs, oldest first; files that cannot be read are skipped."""
    found = []
    for path in project.runs.glob("*.json"):
        try:
            found.append(_from_json(json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda record: record.started)


def find_last_training(project: Project) -> RunRecord | None:
    """The newest successful local training whose files still exist; None if there is none."""
    for record in reversed(load_records(project)):
        if record.verb == TRAIN and record.ok and record.outputs.get("models"):
            paths = [*record.outputs["models"], record.outputs["test"]]
            if all(Path(path).exists() for path in paths):
                return record
    return None


def _from_json(fields: dict[str, Any]) -> RunRecord:
    models = tuple(ModelScore(**model) for model in fields.pop("models", ()))
    return RunRecord(**{**fields, "notes": tuple(fields.get("notes", ()))}, models=models)
