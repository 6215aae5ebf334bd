"""The inputs of a workflow run, built from mlcraft.toml and the options of the command line."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.project.manifest import Manifest
from airflow_mlcraft.project.project_paths import Project

_SOURCE_PREFIXES = ("sklearn:", "file:")


@dataclass(frozen=True)
class Candidate:
    """A model to train, with the parameters that differ from its defaults."""

    model: str
    params: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The name with parameters, for tables."""
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.model} ({params})" if params else self.model


def build_candidates(manifest: Manifest, models: Sequence[str] = ()) -> list[Candidate]:
    """Candidates for these models, or for those of mlcraft.toml."""
    return [Candidate(name, dict(manifest.params.get(name, {}))) for name in models or manifest.models]


def build_default_inputs(project: Project, manifest: Manifest) -> dict[str, Any]:
    """The inputs of the workflow from mlcraft.toml; None for values that are not set."""
    return {
        "sources": [resolve_source(project, source) for source in manifest.sources],
        "key_env": manifest.key or None,
        "target": manifest.target,
        "row_id": manifest.id or None,
        "stratify": manifest.stratify,
        "group": manifest.group or None,
        "time": manifest.time or None,
        "drop": list(manifest.drop) or None,
        "impute": _to_json_or_text(manifest.impute),
        "positive": manifest.positive or None,
        "max_categories": manifest.max_categories,
        "types": json.dumps(dict(manifest.types), sort_keys=True) if manifest.types else None,
        "dates": json.dumps(dict(manifest.dates), sort_keys=True) if manifest.dates else None,
        "class_weight": _to_json_or_text(manifest.class_weight),
        "threshold": str(manifest.threshold) or None,
        "threshold_metric": _find_metric_name(manifest) if manifest.threshold == "auto" else None,
        "replace_champion": manifest.replace_champion,
        "test_size": manifest.test_size,
        "split_seed": manifest.seed if manifest.split_seed is None else manifest.split_seed,
        "seed": manifest.seed,
        "folds": manifest.folds,
        "metric": _find_metric_name(manifest),
        "minimum": manifest.minimum,
        "margin": manifest.margin,
        **build_training_inputs(build_candidates(manifest)),
        **build_tuning_inputs(manifest, build_candidates(manifest), 20),
    }


def _find_metric_name(manifest: Manifest) -> str | None:
    """The canonical name of the metric; None if it is chosen from the data. The run validates an unknown one."""
    from airflow_mlcraft.ml.metrics import metric_for

    with contextlib.suppress(StepError):
        return metric_for(manifest.prediction, manifest.metric).name if manifest.metric else None
    return manifest.metric


def _to_json_or_text(value: str | Mapping[str, Any]) -> str | None:
    """A text, or a table as JSON; None for an empty value."""
    return (value if isinstance(value, str) else json.dumps(dict(value), sort_keys=True) if value else "") or None


def build_training_inputs(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The inputs with the models to train and their parameters."""
    return {
        "models": [one.model for one in candidates],
        "params": [json.dumps(dict(one.params), sort_keys=True) for one in candidates],
    }


def build_tuning_inputs(manifest: Manifest, candidates: Sequence[Candidate], trials: int) -> dict[str, Any]:
    """The inputs with the models to tune, their search spaces and the number of trials."""
    return {
        "models": [one.model for one in candidates],
        "space": [json.dumps(dict(manifest.space.get(one.model, {})), sort_keys=True) for one in candidates],
        "trials": trials,
    }


def is_local_path(source: str) -> bool:
    """Whether a source is a local path."""
    return not ("://" in source or source.startswith(_SOURCE_PREFIXES) or source == "sql")


def resolve_source(project: Project, source: str) -> str:
    """The source with an absolute path: it is relative to the project's folder, and a step runs in another folder."""
    if not is_local_path(source):
        return source
    return str((project.folder / source).absolute())
