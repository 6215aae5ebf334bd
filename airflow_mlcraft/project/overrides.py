"""Overrides of `--set key=value` as in Hydra: values separated by commas are a sweep of model parameters or of runs.

`plan_runs` expands the overrides to the runs of a command. The converters at the top check the value of each key.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.manifest import IMPUTE_STRATEGIES, Manifest, replace_values
from airflow_mlcraft.project.model_choices import check_models
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_inputs import Candidate, build_candidates

_MAX_RUNS = 100
_MAX_MODELS = 500
_PROCESS_PREFIX = "process"


def _to_string(value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise ValueError("a text")
    return str(value)


def _to_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number")
    return float(value)


def _to_integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number, 0 or more")
    return value


def _to_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _to_strings(value: Any) -> tuple[str, ...]:
    return tuple(map(_to_string, value)) if isinstance(value, list) else (_to_string(value),)


def _to_impute_strategy(value: Any) -> str:
    if value not in IMPUTE_STRATEGIES:
        raise ValueError(" or ".join(IMPUTE_STRATEGIES))
    return str(value)


def _to_threshold(value: Any) -> float | str:
    return value if value == "auto" else _to_number(value)


def _to_optional_number(value: Any) -> float | None:
    return None if value is None else _to_number(value)


_RUN_KEYS: dict[str, Callable[[Any], Any]] = {
    "target": _to_string,
    "test_size": _to_number,
    "stratify": _to_boolean,
    "group": _to_string,
    "time": _to_string,
    "drop": _to_strings,
    "impute": _to_impute_strategy,
    "positive": _to_string,
    "max_categories": _to_integer,
    "class_weight": _to_string,
    "threshold": _to_threshold,
    "replace_champion": _to_boolean,
    "seed": _to_integer,
    "split_seed": _to_integer,
    "folds": _to_integer,
    "metric": _to_string,
    "minimum": _to_optional_number,
    "margin": _to_number,
    "source": _to_string,
}


@dataclass(frozen=True)
class PlannedRun:
    """A planned run of a sweep: its manifest, models and options."""

    manifest: Manifest
    candidates: list[Candidate]
    process: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    """The overrides of the run by key."""
    label: str = ""


@dataclass(frozen=True)
class _Override:
    key: str
    values: list[Any]


def plan_runs(
    project: Project, manifest: Manifest, models: Sequence[str], overrides: Sequence[str], *, tuned: bool
) -> list[PlannedRun]:
    """Expand the options of the command line to runs. Raises ProjectError for unknown keys and for too many runs."""
    names = list(dict.fromkeys(models)) or list(manifest.models)
    check_models(project, manifest, names)
    if tuned:
        names = _select_tunable(manifest, names, explicit=bool(models))
    parsed = [_parse_override(text) for text in overrides]
    run_overrides, model_overrides = [], []
    for override in parsed:
        first, dot, _ = override.key.partition(".")
        if override.key in _RUN_KEYS or (first == _PROCESS_PREFIX and dot):
            run_overrides.append(override)
        elif dot and first in names:
            model_overrides.append(override)
        else:
            raise ProjectError(
                f"--set {override.key}: there is nothing of that name in {project.name}",
                f"expected {', '.join(_RUN_KEYS)}, process.PARAMETER or MODEL.PARAMETER of {', '.join(names)}",
            )
    if tuned and model_overrides:
        raise ProjectError(
            f"--set {model_overrides[0].key}: --tune searches for parameters itself",
            f"say where in mlcraft.toml, under [tune.space], or leave out --tune to train {names[0]} with them",
        )
    runs = list(itertools.product(*(override.values for override in run_overrides)))
    if len(runs) > _MAX_RUNS:
        raise ProjectError(f"--set asks for {len(runs)} runs; {_MAX_RUNS} at most are made by one command")
    candidates = [
        candidate
        for override in build_candidates(manifest, names)
        for candidate in _expand_candidate(override, model_overrides)
    ]
    if len(candidates) > _MAX_MODELS:
        raise ProjectError(f"--set asks for {len(candidates)} models; {_MAX_MODELS} at most are in one run")
    model_options = {
        override.key: override.values if len(override.values) > 1 else override.values[0]
        for override in model_overrides
    }
    return [_plan_run(manifest, candidates, run_overrides, values, model_options) for values in runs]


def _select_tunable(manifest: Manifest, names: list[str], *, explicit: bool) -> list[str]:
    """The models whose parameters can be searched; the user's own need a space in mlcraft.toml."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS

    tunable = [name for name in names if name in manifest.space or name in ESTIMATORS[manifest.prediction]]
    unknown = [name for name in names if name not in tunable]
    if unknown and (explicit or not tunable):
        raise ProjectError(
            f"it is not known where to search for {unknown[0]}",
            f"say it in mlcraft.toml, under [tune.space], as: {unknown[0]} = {{ max_depth = {{ low = 2, high = 9 }} }}",
        )
    return tunable


def _plan_run(
    manifest: Manifest,
    candidates: list[Candidate],
    run_overrides: list[_Override],
    values: tuple[Any, ...],
    model_options: dict[str, Any],
) -> PlannedRun:
    options = {override.key: value for override, value in zip(run_overrides, values, strict=True)}
    process = {key.partition(".")[2]: value for key, value in options.items() if key not in _RUN_KEYS}
    changes: dict[str, Any] = {}
    for key, value in options.items():
        if key not in _RUN_KEYS:
            continue
        try:
            parsed = _RUN_KEYS[key](value)
        except ValueError as error:
            raise ProjectError(f"--set {key}={value}: expected {error}") from None
        changes |= {"sources": (parsed,)} if key == "source" else {key: parsed}
    # A seed changes the models and not the split: a champion trained on test rows could not be compared with them.
    changes.setdefault("split_seed", manifest.seed)
    swept = {override.key for override in run_overrides if len(override.values) > 1}
    label = ", ".join(f"{key}={value}" for key, value in options.items() if key in swept)
    return PlannedRun(replace_values(manifest, **changes), candidates, process, {**options, **model_options}, label)


def _expand_candidate(candidate: Candidate, overrides: Sequence[_Override]) -> Iterator[Candidate]:
    """A candidate for each combination of the model's values."""
    own = [item for item in overrides if item.key.partition(".")[0] == candidate.model]
    names = [item.key.partition(".")[2] for item in own]
    for values in itertools.product(*(item.values for item in own)):
        yield Candidate(candidate.model, {**candidate.params, **dict(zip(names, values, strict=True))})


def _parse_override(text: str) -> _Override:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ProjectError(f"--set {text}: expected key=value, such as seed=7 or random_forest.max_depth=4,8")
    return _Override(key.strip(), [_parse_value(key, part) for part in _split_at_commas(value)])


def _split_at_commas(text: str) -> Iterator[str]:
    """Split at commas that are not within brackets or quotes."""
    depth, quote, start = 0, "", 0
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def _parse_value(key: str, text: str) -> Any:
    """Parse a value as YAML: a number, true or false, null, a list, an object, or else a text."""
    try:
        return YAML(typ="safe").load(text) if text.strip() else ""
    except YAMLError:
        raise ProjectError(f"--set {key}: {text!r} cannot be read; put a text with special signs in quotes") from None
