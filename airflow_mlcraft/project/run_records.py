"""What is remembered of a project's runs: a small file each, so that looking back needs neither Airflow nor MLflow."""

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
"""What a run was asked besides its overrides: which models, how many trials, the models of which run."""
_SPLIT_KEYS = {"split_seed", "test_size", "stratify", "group", "time", "source", "target"}


@dataclass(frozen=True)
class ModelScore:
    """A model of a run: what cross-validation and the test part said of it."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    state: str = "success"
    seconds: float | None = None
    cv: Mapping[str, float | None] = field(default_factory=dict)
    test: Mapping[str, float | None] = field(default_factory=dict)
    winner: bool = False
    fault: str = ""
    """Why there is no model; empty where there is one."""


@dataclass(frozen=True)
class RunRecord:
    """A run: what it was asked, how it ended, what it came to."""

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
    """The DAG that it was a run of, where that is not the project's of today."""
    code: str = ""
    """The commit that has the project's own code as it ran."""
    dirty: str = ""
    """Why that commit is not on the branch; empty where it is."""
    notes: tuple[str, ...] = ()
    """What the data and the comparison gave rise to."""
    baseline: Mapping[str, float | None] = field(default_factory=dict)
    """What the test part says of a model that always names the most frequent class, or the mean."""

    @property
    def short_id(self) -> str:
        """How people call the run: the end of its name."""
        return self.run_id.rpartition("_")[2]

    @property
    def options_text(self) -> str:
        """What it was asked, in the words of the command line."""
        return " ".join(f"{key}={format_value(value)}" for key, value in self.set.items() if key != MODELS_OF)

    @property
    def has_other_split(self) -> bool:
        """Whether it had other rows in its test part than the project has, so that a champion may know some of them."""
        return not _SPLIT_KEYS.isdisjoint(self.set)

    @property
    def ok(self) -> bool:
        return self.state == "success"

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as `--json` shows it."""
        return asdict(self)


def format_value(value: Any) -> str:
    """A value that was asked for, as the command line has it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def write_record(project: Project, record: RunRecord) -> None:
    """Keep a record."""
    write_text_atomically(project.runs / f"{record.run_id}.json", json.dumps(record.to_json(), indent=1) + "\n")


def load_records(project: Project) -> list[RunRecord]:
    """All runs, the oldest first; a record that cannot be read is passed over."""
    found = []
    for path in project.runs.glob("*.json"):
        try:
            found.append(_from_json(json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return sorted(found, key=lambda record: record.started)


def find_last_training(project: Project) -> RunRecord | None:
    """The newest run here that has trained models, whose files are still there."""
    for record in reversed(load_records(project)):
        if record.verb == TRAIN and record.ok and record.outputs.get("models"):
            paths = [*record.outputs["models"], record.outputs["test"]]
            if all(Path(path).exists() for path in paths):
                return record
    return None


def _from_json(fields: dict[str, Any]) -> RunRecord:
    models = tuple(ModelScore(**model) for model in fields.pop("models", ()))
    return RunRecord(**{**fields, "notes": tuple(fields.get("notes", ()))}, models=models)
