"""`--set key=value` in Hydra's manner: a list with commas is a sweep, over models' parameters or over whole runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.manifest import IMPUTE, Manifest, with_values
from airflow_mlcraft.project.model_choices import check_models
from airflow_mlcraft.project.project_paths import Project
from airflow_mlcraft.project.run_inputs import Candidate, candidates_of

_MOST_RUNS = 100
_MOST_MODELS = 500
_OF_PROCESS = "process"


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        raise ValueError("a text")
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("a whole number, 0 or more")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else (_text(value),)


def _way(value: Any) -> str:
    if value not in IMPUTE:
        raise ValueError(" or ".join(IMPUTE))
    return str(value)


def _threshold(value: Any) -> float | str:
    return value if value == "auto" else _number(value)


def _optional(value: Any) -> float | None:
    return None if value is None else _number(value)


_OF_RUN: dict[str, Callable[[Any], Any]] = {
    "target": _text,
    "test_size": _number,
    "stratify": _flag,
    "group": _text,
    "time": _text,
    "drop": _texts,
    "impute": _way,
    "positive": _text,
    "max_categories": _whole,
    "class_weight": _text,
    "threshold": _threshold,
    "replace_champion": _flag,
    "seed": _whole,
    "split_seed": _whole,
    "folds": _whole,
    "metric": _text,
    "minimum": _optional,
    "margin": _number,
    "source": _text,
}


@dataclass(frozen=True)
class Choice:
    """One run of a sweep."""

    manifest: Manifest
    candidates: list[Candidate]
    process: Mapping[str, Any] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for, by its key."""
    label: str = ""


@dataclass(frozen=True)
class _Asked:
    key: str
    values: list[Any]


def choices(
    project: Project, manifest: Manifest, models: Sequence[str], overrides: Sequence[str], *, tuned: bool
) -> list[Choice]:
    """The runs that the command line asks for."""
    names = list(dict.fromkeys(models)) or list(manifest.models)
    check_models(project, manifest, names)
    if tuned:
        names = _searched(manifest, names, chosen=bool(models))
    asked = [_parsed(text) for text in overrides]
    of_run, of_models = [], []
    for one in asked:
        first, dot, _ = one.key.partition(".")
        if one.key in _OF_RUN or (first == _OF_PROCESS and dot):
            of_run.append(one)
        elif dot and first in names:
            of_models.append(one)
        else:
            raise ProjectError(
                f"--set {one.key}: there is nothing of that name in {project.name}",
                f"expected {', '.join(_OF_RUN)}, process.PARAMETER or MODEL.PARAMETER of {', '.join(names)}",
            )
    if tuned and of_models:
        raise ProjectError(
            f"--set {of_models[0].key}: --tune searches for parameters itself",
            f"say where in mlcraft.toml, under [tune.space], or leave out --tune to train {names[0]} with them",
        )
    runs = list(itertools.product(*(one.values for one in of_run)))
    if len(runs) > _MOST_RUNS:
        raise ProjectError(f"--set asks for {len(runs)} runs; {_MOST_RUNS} at most are made by one command")
    candidates = [made for one in candidates_of(manifest, names) for made in _swept(one, of_models)]
    if len(candidates) > _MOST_MODELS:
        raise ProjectError(f"--set asks for {len(candidates)} models; {_MOST_MODELS} at most are in one run")
    said = {one.key: one.values if len(one.values) > 1 else one.values[0] for one in of_models}
    return [_choice(manifest, candidates, of_run, values, said) for values in runs]


def _searched(manifest: Manifest, names: list[str], *, chosen: bool) -> list[str]:
    """The models whose parameters can be searched; of the user's own only those that mlcraft.toml has a space for."""
    from airflow_mlcraft.ml.estimators import ESTIMATORS

    found = [name for name in names if name in manifest.space or name in ESTIMATORS[manifest.prediction]]
    without = [name for name in names if name not in found]
    if without and (chosen or not found):
        raise ProjectError(
            f"it is not known where to search for {without[0]}",
            f"say it in mlcraft.toml, under [tune.space], as: {without[0]} = {{ max_depth = {{ low = 2, high = 9 }} }}",
        )
    return found


def _choice(
    manifest: Manifest, candidates: list[Candidate], asked: list[_Asked], values: tuple[Any, ...], said: dict[str, Any]
) -> Choice:
    found = {one.key: value for one, value in zip(asked, values, strict=True)}
    process = {key.partition(".")[2]: value for key, value in found.items() if key not in _OF_RUN}
    changed: dict[str, Any] = {}
    for key, value in found.items():
        if key not in _OF_RUN:
            continue
        try:
            taken = _OF_RUN[key](value)
        except ValueError as error:
            raise ProjectError(f"--set {key}={value}: expected {error}") from None
        changed |= {"sources": (taken,)} if key == "source" else {key: taken}
    # Other models on the same rows; a champion that had seen rows of the test part could not be compared with them.
    changed.setdefault("split_seed", manifest.seed)
    swept = {one.key for one in asked if len(one.values) > 1}
    label = ", ".join(f"{key}={value}" for key, value in found.items() if key in swept)
    return Choice(with_values(manifest, **changed), candidates, process, {**found, **said}, label)


def _swept(one: Candidate, asked: Sequence[_Asked]) -> Iterator[Candidate]:
    """A model with each combination of the values that were given for it."""
    mine = [item for item in asked if item.key.partition(".")[0] == one.model]
    names = [item.key.partition(".")[2] for item in mine]
    for values in itertools.product(*(item.values for item in mine)):
        yield Candidate(one.model, {**one.params, **dict(zip(names, values, strict=True))})


def _parsed(text: str) -> _Asked:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ProjectError(f"--set {text}: expected key=value, such as seed=7 or random_forest.max_depth=4,8")
    return _Asked(key.strip(), [_value(key, part) for part in _split(value)])


def _split(text: str) -> Iterator[str]:
    """At the commas that are not within brackets or quotes."""
    depth, quote, begun = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        elif letter == "," and depth == 0:
            yield text[begun:place]
            begun = place + 1
    yield text[begun:]


def _value(key: str, text: str) -> Any:
    """A number, true or false, null, a list, an object, or else a text."""
    try:
        return YAML(typ="safe").load(text) if text.strip() else ""
    except YAMLError:
        raise ProjectError(f"--set {key}: {text!r} cannot be read; put a text with special signs in quotes") from None
