"""Recipe: the target, and the preparation of each column. It is chosen from training rows alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError

if TYPE_CHECKING:
    import pandas as pd

RECIPE_VERSION = 1


@dataclass(frozen=True)
class Column:
    """A column that the model reads. `nullable`: training rows lack values of it.

    `encode` is the encoding of categories, and `categories` their number; older recipes have neither.
    """

    name: str
    kind: str
    impute: str
    scale: str = ""
    nullable: bool = False
    integer: bool = False
    encode: str = ""
    categories: int = 0
    format: str = ""
    """The format of dates in the source, if it is not ISO 8601."""


@dataclass(frozen=True)
class Recipe:
    """The recipe: all that training needs besides the rows themselves."""

    task: str
    target: str
    columns: tuple[Column, ...]
    classes: tuple[Any, ...] = ()
    positive: Any = None
    labels: str = ""
    max_categories: int = 25
    split: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    ambiguous_dates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Columns whose dates were read with the day first, and could also be read with the month first."""
    process: Mapping[str, Any] | None = None
    """The user's `process`, as the JSON of a `RowProcess`; the columns are those that it returns."""

    @property
    def features(self) -> list[str]:
        """Names of the columns that the model reads."""
        return [column.name for column in self.columns]

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each column by its name."""
        return {column.name: column.kind for column in self.columns}

    @property
    def formats(self) -> dict[str, str]:
        """The date format of each column by its name, for dates that are not in ISO 8601."""
        return {column.name: column.format for column in self.columns if column.format}

    @property
    def nullable(self) -> list[str]:
        """Names of columns that may have missing values."""
        return [column.name for column in self.columns if column.nullable]

    def of_kind(self, kind: str) -> list[Column]:
        """Columns of one kind."""
        return [column for column in self.columns if column.kind == kind]

    @property
    def group(self) -> str | None:
        """The column by which rows are grouped in splits, if there is one."""
        column = self.split.get("column")
        return str(column) if column is not None and self.split.get("by") == "group" else None

    @property
    def time(self) -> str | None:
        """The column of times by which rows are split, if there is one."""
        column = self.split.get("column")
        return str(column) if column is not None and self.split.get("by") == "time" else None

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The features of a frame, converted to their kinds."""
        from airflow_mlcraft.ml.columns import to_typed_frame

        return to_typed_frame(frame, self.kinds, self.nullable, self.formats)

    def truth(self, frame: pd.DataFrame) -> Any:
        """The target of a frame, converted to its kind."""
        from airflow_mlcraft.ml.target import to_target

        return to_target(frame, self.target, self.task, self.labels, self.classes)

    def to_json(self) -> dict[str, Any]:
        """The content of recipe.json."""
        return {"version": RECIPE_VERSION, **asdict(self)}

    def hash(self) -> str:
        """A hash of the recipe, without the signature of its code."""
        process = {name: value for name, value in (self.process or {}).items() if name != "signature"}
        hashed = {**self.to_json(), "process": process or None}
        # It does not affect models, and older recipes do not have it.
        del hashed["ambiguous_dates"]
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()


def from_json(value: Any) -> Recipe:
    """A recipe from the content of recipe.json."""
    if not isinstance(value, dict) or value.get("version") != RECIPE_VERSION:
        raise StepError(f"that is no recipe of version {RECIPE_VERSION}; make one with `mlcraft-step process`")
    fields: dict[str, Any] = {name: field_value for name, field_value in value.items() if name != "version"}
    try:
        fields["columns"] = tuple(Column(**column) for column in fields["columns"])
        for name in ("classes", "dropped", "notes"):
            fields[name] = tuple(fields[name])
        return Recipe(**fields)
    except (KeyError, TypeError) as error:
        raise StepError(f"that recipe is damaged ({error}); make one with `mlcraft-step process`") from None


def names(columns: Sequence[Column]) -> list[str]:
    """Names of columns."""
    return [column.name for column in columns]
