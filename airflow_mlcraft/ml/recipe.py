"""A recipe: what is to be predicted, and what is done to each column before. It is decided from training rows alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.errors import StepError

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1


@dataclass(frozen=True)
class Column:
    """A column that the model reads. `nullable`: training rows lack values of it.

    `encode` says how categories become numbers, and `categories` how many there are; models of before have neither.
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
    """How the source writes dates, where that is not ISO 8601."""


@dataclass(frozen=True)
class Recipe:
    """Everything that training has to know beside the rows themselves."""

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
    """Dates that were read with the day first, and could have been with the month first, by column."""
    process: Mapping[str, Any] | None = None
    """The user's own code that makes the columns of rows as the source has them: a RowProcess in JSON."""

    @property
    def features(self) -> list[str]:
        """Names of what the model reads."""
        return [column.name for column in self.columns]

    @property
    def kinds(self) -> dict[str, str]:
        """Name to kind."""
        return {column.name: column.kind for column in self.columns}

    @property
    def formats(self) -> dict[str, str]:
        """Name to how its dates are written, where they are not in ISO 8601."""
        return {column.name: column.format for column in self.columns if column.format}

    @property
    def nullable(self) -> list[str]:
        """Columns that may lack values."""
        return [column.name for column in self.columns if column.nullable]

    def of_kind(self, kind: str) -> list[Column]:
        """Columns of one kind."""
        return [column for column in self.columns if column.kind == kind]

    @property
    def group(self) -> str | None:
        """The column whose rows stay together, where there is one."""
        column = self.split.get("column")
        return str(column) if column is not None and self.split.get("by") == "group" else None

    @property
    def time(self) -> str | None:
        """The column by which the latest rows are for testing, where there is one."""
        column = self.split.get("column")
        return str(column) if column is not None and self.split.get("by") == "time" else None

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The features in a frame, in their kinds."""
        from airflow_mlcraft.ml.columns import typed

        return typed(frame, self.kinds, self.nullable, self.formats)

    def truth(self, frame: pd.DataFrame) -> Any:
        """The target in a frame, in its kind."""
        from airflow_mlcraft.ml.target import truth

        return truth(frame, self.target, self.task, self.labels, self.classes)

    def to_json(self) -> dict[str, Any]:
        """In the form of recipe.json."""
        return {"version": VERSION, **asdict(self)}

    def hash(self) -> str:
        """The same for the same recipe, whoever has signed its code."""
        process = {name: value for name, value in (self.process or {}).items() if name != "signature"}
        plain = {**self.to_json(), "process": process or None}
        # It changes nothing, and recipes of before do not say it.
        del plain["ambiguous_dates"]
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def from_json(value: Any) -> Recipe:
    """A recipe out of recipe.json."""
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise StepError(f"that is no recipe of version {VERSION}; make one with `mlcraft-step process`")
    fields: dict[str, Any] = {name: given for name, given in value.items() if name != "version"}
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
