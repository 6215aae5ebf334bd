"""The manifest of a project, mlcraft.toml: reading it with validation, and changing it without losing comments.

`Manifest` holds the values; `read_manifest` and the private `_ManifestReader` parse and validate them;
`change_manifest`, `change_text` and `set_values` write values by their dotted names.
"""

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

PREDICTION_TYPES = ("classification", "regression")
DEFAULT_MODELS = {
    "classification": ["logistic_regression", "random_forest", "gradient_boosting", "k_neighbors", "model"],
    "regression": ["linear_regression", "ridge", "random_forest", "gradient_boosting", "model"],
}
"""Models of a new project, by prediction type."""
DEFAULT_METRICS = {"classification": "acc", "regression": "rmse"}
SAMPLE_SOURCES = {"classification": "sklearn:iris", "regression": "sklearn:diabetes"}
IMPUTE_STRATEGIES = ("median", "mean", "most_frequent", "zero")
"""Ways to fill missing numbers; the same names as in the option --impute of the step `process`."""
COLUMN_KINDS = ("number", "category", "boolean", "date", "text")
"""Types of columns; the same names as in the option --types of the step `process`."""
_MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Manifest:
    """The values of mlcraft.toml, with defaults for those that are left out."""

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
    """Empty: chosen from the data."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    space: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    split_seed: int | None = None
    """The seed of the split in one run of a sweep; None: `seed`."""
    key: str = ""
    id: str = ""
    stratify: bool = False
    group: str = ""
    time: str = ""
    drop: tuple[str, ...] = ()
    impute: str | Mapping[str, str] = ""
    positive: str = ""
    max_categories: int | None = None
    """None: chosen from the data."""
    types: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    """Date formats by column. Columns that neither `types` nor `dates` has get a type by their values."""
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
    """The tables [targets.NAME]: where the model is served; each target validates its own table."""

    @property
    def metric_or_default(self) -> str:
        """The metric, or the default metric of the prediction type."""
        return self.metric or DEFAULT_METRICS[self.prediction]


def title_from_name(name: str) -> str:
    """The default title of a project, derived from its name."""
    return name.replace("_", " ").capitalize()


def read_manifest(project: Project) -> Manifest:
    """Read and validate the manifest. A wrong value raises ProjectError with the file and the key."""
    reader = _ManifestReader(project.manifest, _load_toml(project))
    prediction = reader.string("prediction")
    if prediction not in PREDICTION_TYPES:
        reader.fail("prediction", prediction, " or ".join(PREDICTION_TYPES))
    return Manifest(
        title=reader.string("title") or project.name,
        prediction=prediction,
        dependencies=reader.strings("dependencies"),
        sources=reader.strings("data.sources"),
        target=reader.string("data.target", "target"),
        test_size=reader.number("data.test_size", 0.25),
        seed=reader.integer("data.seed", 42, maximum=_MAX_SEED),
        models=reader.strings("train.models") or tuple(DEFAULT_MODELS[prediction]),
        folds=reader.integer("train.folds", 5),
        metric=reader.string("evaluate.metric"),
        params=reader.tables("train.params"),
        space=reader.tables("tune.space"),
        key=reader.string("data.key"),
        id=reader.string("data.id"),
        stratify=reader.boolean("data.stratify"),
        group=reader.string("data.group"),
        time=reader.string("data.time"),
        drop=reader.strings("data.drop"),
        impute=reader.impute("data.impute"),
        positive=reader.string("data.positive"),
        types=reader.string_table("data.types", COLUMN_KINDS),
        dates=reader.string_table("data.dates"),
        max_categories=reader.integer("data.max_categories", 0, maximum=10_000) or None,
        class_weight=reader.class_weight("train.class_weight"),
        threshold=reader.threshold("evaluate.threshold"),
        replace_champion=reader.boolean("evaluate.replace_champion"),
        minimum=reader.optional_number("evaluate.minimum"),
        margin=reader.number("evaluate.margin", 0.0),
        port=reader.integer("targets.local.port", 0, maximum=65535) or None,
        tracking_uri=reader.string("tracking.uri"),
        dagshub=reader.string("tracking.dagshub"),
        server=reader.string("server.url"),
        targets=reader.tables("targets"),
    )


def change_manifest(project: Project, values: Mapping[str, Any]) -> None:
    """Set values by their dotted names; comments and other keys stay unchanged."""
    _load_toml(project)
    write_text_atomically(project.manifest, change_text(project.manifest.read_text("utf-8"), values))


def change_text(text: str, values: Mapping[str, Any]) -> str:
    """The text of a manifest with these values set; a key that is commented out is uncommented where it is."""
    names = [name for name, value in values.items() if value is not None]
    document = tomlkit.parse(_uncomment_keys(text, names))
    set_values(document, values)
    return tomlkit.dumps(document)


def _uncomment_keys(text: str, names: Sequence[str]) -> str:
    """Remove the comment sign of lines `# key = …` for these dotted names, unless the key is set elsewhere."""
    lines, table = text.splitlines(keepends=True), ""
    keys: dict[str, int] = {}
    comments: dict[str, int] = {}
    for index, line in enumerate(lines):
        if match := re.match(r"\[([\w.-]+)\]", line):
            table = f"{match[1]}."
        elif match := re.match(r"(# )?([\w-]+) = ", line):
            (comments if match[1] else keys).setdefault(table + match[2], index)
    for name in names:
        if name in comments and name not in keys:
            lines[comments[name]] = lines[comments[name]].removeprefix("# ")
    return "".join(lines)


def set_values(document: Any, values: Mapping[str, Any]) -> None:
    """Set values in a parsed TOML document by their dotted names; None removes a key."""
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


def replace_values(manifest: Manifest, **values: Any) -> Manifest:
    """A copy of the manifest with these fields replaced."""
    return replace(manifest, **values)


def _load_toml(project: Project) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(project.manifest.read_text("utf-8"))
    except FileNotFoundError:
        raise ProjectError(f"{project.folder} has no {MANIFEST}") from None
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ProjectError(f"{project.manifest} is not TOML: {error}") from None


class _ManifestReader:
    """Typed access to the values of mlcraft.toml by their dotted names; a wrong type raises ProjectError."""

    def __init__(self, path: Path, document: Mapping[str, Any]):
        self._path = path
        self._document = document

    def fail(self, name: str, value: Any, expected: str) -> None:
        raise ProjectError(f"{self._path}: {name} is {value!r}; expected {expected}")

    def _find(self, name: str) -> Any:
        table: Any = self._document
        for part in name.split("."):
            if not isinstance(table, Mapping):
                return None
            table = table.get(part)
        return table.unwrap() if hasattr(table, "unwrap") else table

    def string(self, name: str, default: str = "") -> str:
        value = self._find(name)
        if value is not None and not isinstance(value, str):
            self.fail(name, value, "a text")
        return value or default

    def strings(self, name: str) -> tuple[str, ...]:
        value = self._find(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.fail(name, value, "a list of texts")
        return tuple(value)

    def boolean(self, name: str) -> bool:
        value = self._find(name)
        if value is not None and not isinstance(value, bool):
            self.fail(name, value, "true or false")
        return bool(value)

    def impute(self, name: str) -> str | dict[str, str]:
        """One strategy for all columns, or a table with the strategy of each column."""
        value = self._find(name)
        strategies = value.values() if isinstance(value, dict) else [value or IMPUTE_STRATEGIES[0]]
        if not all(isinstance(strategy, str) and strategy in IMPUTE_STRATEGIES for strategy in strategies):
            self.fail(name, value, f"{', '.join(IMPUTE_STRATEGIES)}, or a table of columns with one of these each")
        return value or ""

    def class_weight(self, name: str) -> str | dict[str, float]:
        """`balanced`, or a table with the weight of each class."""
        value = self._find(name)
        weights = value.values() if isinstance(value, dict) else ()
        is_allowed = value in (None, "", "balanced") if not isinstance(value, dict) else bool(value)
        if not is_allowed or not all(
            isinstance(weight, (int, float)) and not isinstance(weight, bool) for weight in weights
        ):
            self.fail(name, value, "balanced, or a table with the weight of each class, as { yes = 10, no = 1 }")
        return value or ""

    def threshold(self, name: str) -> float | str:
        """`auto`, or a probability."""
        value = self._find(name)
        if value in (None, "", "auto"):
            return value or ""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
            self.fail(name, value, "auto, or a number between 0 and 1")
        return float(value)

    def optional_number(self, name: str) -> float | None:
        value = self._find(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.fail(name, value, "a number")
        return float(value)

    def number(self, name: str, default: float) -> float:
        found = self.optional_number(name)
        return default if found is None else found

    def integer(self, name: str, default: int, maximum: int = 1000) -> int:
        value = self._find(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
            self.fail(name, value, f"a whole number from 0 to {maximum}")
        return int(value)

    def string_table(self, name: str, allowed: Sequence[str] = ()) -> dict[str, str]:
        value = self._find(name)
        if value is None:
            return {}
        is_valid = isinstance(value, dict) and all(isinstance(item, str) and item for item in value.values())
        if not is_valid or (allowed and not set(value.values()) <= set(allowed)):
            expected = f" of {', '.join(allowed)}" if allowed else ", as %d/%m/%Y"
            self.fail(name, value, f"a table with a text for each column{expected}")
        return {str(column): str(item) for column, item in value.items()}

    def tables(self, name: str) -> dict[str, dict[str, Any]]:
        value = self._find(name)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
            self.fail(name, value, f"a table of tables, as [{name}.NAME]")
        return value  # type: ignore[no-any-return]
