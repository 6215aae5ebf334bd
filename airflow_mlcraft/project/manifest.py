"""mlcraft.toml: what it says, checked, and changes of it that leave the user's comments in place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from airflow_mlcraft.common.files import write_text_atomically
from airflow_mlcraft.errors import ProjectError
from airflow_mlcraft.project.project_paths import MANIFEST, Project

PREDICTIONS = ("classification", "regression")
TASKS = {
    "classification": ["logistic_regression", "random_forest", "gradient_boosting", "k_neighbors", "model"],
    "regression": ["linear_regression", "ridge", "random_forest", "gradient_boosting", "model"],
}
"""What is trained unless the project says otherwise."""
METRICS = {"classification": "acc", "regression": "rmse"}
SOURCES = {"classification": "sklearn:iris", "regression": "sklearn:diabetes"}
IMPUTE = ("median", "mean", "most_frequent", "zero")
"""How missing numbers are filled; the same names as the option --impute of the step `process`."""
KINDS = ("number", "category", "boolean", "date", "text")
"""Of columns; the same names as in the option --types of the step `process`."""
_LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Manifest:
    """What mlcraft.toml says."""

    title: str
    prediction: str
    dependencies: tuple[str, ...]
    sources: tuple[str, ...]
    target: str
    test_size: float
    seed: int
    models: tuple[str, ...]
    folds: int
    metric: str
    """Chosen by the data where it is empty."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    space: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    split_seed: int | None = None
    """Of one run; otherwise that of all."""
    key: str = ""
    id: str = ""
    stratify: bool = False
    group: str = ""
    time: str = ""
    drop: tuple[str, ...] = ()
    impute: str | Mapping[str, str] = ""
    positive: str = ""
    max_categories: int | None = None
    """Chosen by the data where it is left out."""
    types: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    """Kinds of columns, and how dates are written; columns that are not named are told by their values."""
    class_weight: str | Mapping[str, float] = ""
    threshold: float | str = ""
    replace_champion: bool = False
    minimum: float | None = None
    margin: float = 0.0
    port: int | None = None
    tracking_uri: str = ""
    dagshub: str = ""
    server: str = ""
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Where the model is served; each target knows its own values."""

    @property
    def usual_metric(self) -> str:
        """The metric, or the one that counts unless the data choose another."""
        return self.metric or METRICS[self.prediction]


def title_of(name: str) -> str:
    """The title of a project that has none of its own."""
    return name.replace("_", " ").capitalize()


def read(project: Project) -> Manifest:
    """The manifest; a wrong value is told with its place."""
    found = _Reader(project.manifest, _document(project))
    prediction = found.text("prediction")
    if prediction not in PREDICTIONS:
        found.wrong("prediction", prediction, " or ".join(PREDICTIONS))
    return Manifest(
        title=found.text("title") or project.name,
        prediction=prediction,
        dependencies=found.texts("dependencies"),
        sources=found.texts("data.sources"),
        target=found.text("data.target", "target"),
        test_size=found.number("data.test_size", 0.25),
        seed=found.whole("data.seed", 42, most=_LARGEST_SEED),
        models=found.texts("train.models") or tuple(TASKS[prediction]),
        folds=found.whole("train.folds", 5),
        metric=found.text("evaluate.metric"),
        params=found.tables("train.params"),
        space=found.tables("tune.space"),
        key=found.text("data.key"),
        id=found.text("data.id"),
        stratify=found.flag("data.stratify"),
        group=found.text("data.group"),
        time=found.text("data.time"),
        drop=found.texts("data.drop"),
        impute=found.impute("data.impute"),
        positive=found.text("data.positive"),
        types=found.text_table("data.types", KINDS),
        dates=found.text_table("data.dates"),
        max_categories=found.whole("data.max_categories", 0, most=10_000) or None,
        class_weight=found.class_weight("train.class_weight"),
        threshold=found.threshold("evaluate.threshold"),
        replace_champion=found.flag("evaluate.replace_champion"),
        minimum=found.optional_number("evaluate.minimum"),
        margin=found.number("evaluate.margin", 0.0),
        port=found.whole("targets.local.port", 0, most=65535) or None,
        tracking_uri=found.text("tracking.uri"),
        dagshub=found.text("tracking.dagshub"),
        server=found.text("server.url"),
        targets=found.tables("targets"),
    )


def change(project: Project, values: Mapping[str, Any]) -> None:
    """Set values by their dotted names; everything else stays as it was written."""
    _document(project)
    write_text_atomically(project.manifest, changed(project.manifest.read_text("utf-8"), values))


def changed(text: str, values: Mapping[str, Any]) -> str:
    """The text of a manifest with other values; a key that stands there as a comment is set in its place."""
    names = [name for name, value in values.items() if value is not None]
    document = tomlkit.parse(_without_comment_signs(text, names))
    put(document, values)
    return tomlkit.dumps(document)


def _without_comment_signs(text: str, names: Sequence[str]) -> str:
    """The text with the lines `# key = …` of these dotted names as keys, where the key is not set yet."""
    lines, table = text.splitlines(keepends=True), ""
    keys: dict[str, int] = {}
    comments: dict[str, int] = {}
    for place, line in enumerate(lines):
        if found := re.match(r"\[([\w.-]+)\]", line):
            table = f"{found[1]}."
        elif found := re.match(r"(# )?([\w-]+) = ", line):
            (comments if found[1] else keys).setdefault(table + found[2], place)
    for name in names:
        if name in comments and name not in keys:
            lines[comments[name]] = lines[comments[name]].removeprefix("# ")
    return "".join(lines)


def put(document: Any, values: Mapping[str, Any]) -> None:
    """The same in a document that is at hand."""
    for name, value in values.items():
        *tables, key = name.split(".")
        table = document
        for part in tables:
            if part not in table:
                table[part] = tomlkit.table()
            table = table[part]
        if value is None:
            table.pop(key, None)
        elif isinstance(value, Mapping):
            table[key] = tomlkit.inline_table()
            table[key].update(value)
        else:
            table[key] = value


def with_values(manifest: Manifest, **values: Any) -> Manifest:
    """The same with other values."""
    return replace(manifest, **values)


def _document(project: Project) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(project.manifest.read_text("utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{project.folder} has no {MANIFEST}") from None
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ProjectError(f"{project.manifest} is not TOML: {error}") from None


class _Reader:
    def __init__(self, path: Path, document: Mapping[str, Any]):
        self._path = path
        self._document = document

    def wrong(self, name: str, value: Any, expected: str) -> None:
        raise ProjectError(f"{self._path}: {name} is {value!r}; expected {expected}")

    def _value(self, name: str) -> Any:
        table: Any = self._document
        for part in name.split("."):
            if not isinstance(table, Mapping):
                return None
            table = table.get(part)
        return table.unwrap() if hasattr(table, "unwrap") else table

    def text(self, name: str, default: str = "") -> str:
        value = self._value(name)
        if value is not None and not isinstance(value, str):
            self.wrong(name, value, "a text")
        return value or default

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._value(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.wrong(name, value, "a list of texts")
        return tuple(value)

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, value, "true or false")
        return bool(value)

    def impute(self, name: str) -> str | dict[str, str]:
        """One way to fill gaps, or a table with the way of each column."""
        value = self._value(name)
        ways = value.values() if isinstance(value, dict) else [value or IMPUTE[0]]
        if not all(isinstance(way, str) and way in IMPUTE for way in ways):
            self.wrong(name, value, f"{', '.join(IMPUTE)}, or a table of columns with one of these each")
        return value or ""

    def class_weight(self, name: str) -> str | dict[str, float]:
        """`balanced`, or a table with the weight of each class."""
        value = self._value(name)
        numbers = value.values() if isinstance(value, dict) else ()
        given = value in (None, "", "balanced") if not isinstance(value, dict) else bool(value)
        if not given or not all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers):
            self.wrong(name, value, "balanced, or a table with the weight of each class, as { yes = 10, no = 1 }")
        return value or ""

    def threshold(self, name: str) -> float | str:
        """`auto`, or a probability."""
        value = self._value(name)
        if value in (None, "", "auto"):
            return value or ""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
            self.wrong(name, value, "auto, or a number between 0 and 1")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        value = self._value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.wrong(name, value, "a number")
        return float(value)

    def number(self, name: str, default: float) -> float:
        found = self.optional_number(name)
        return default if found is None else found

    def whole(self, name: str, default: int, most: int = 1000) -> int:
        value = self._value(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self.wrong(name, value, f"a whole number from 0 to {most}")
        return int(value)

    def text_table(self, name: str, known: Sequence[str] = ()) -> dict[str, str]:
        value = self._value(name)
        if value is None:
            return {}
        right = isinstance(value, dict) and all(isinstance(one, str) and one for one in value.values())
        if not right or (known and not set(value.values()) <= set(known)):
            of = f" of {', '.join(known)}" if known else ", as %d/%m/%Y"
            self.wrong(name, value, f"a table with a text for each column{of}")
        return {str(column): str(one) for column, one in value.items()}

    def tables(self, name: str) -> dict[str, dict[str, Any]]:
        value = self._value(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
            self.wrong(name, value, f"a table of tables, as [{name}.NAME]")
        return value  # type: ignore[no-any-return]
