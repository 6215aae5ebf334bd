"""Proposals for a table: the target, the type of prediction, the split and the metric, with reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.ml.class_balance import RARE_SHARE
from airflow_mlcraft.ml.metrics import CLASSIFICATION, DEFAULT, REGRESSION
from airflow_mlcraft.ml.row_hash import row_hashes
from airflow_mlcraft.ml.target import check_target, detect_task

if TYPE_CHECKING:
    import pandas as pd

    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable

_TARGETS = ("target", "label", "class", "y", "outcome", "response")
_ENTITIES = (
    "account|applicant|borrower|client|customer|device|driver|employee|household|individual|machine|member|"
    "participant|patient|person|player|policyholder|pupil|student|subject|user|visitor|worker"
)
_ENTITY = re.compile(rf"({_ENTITIES})s?(_?(id|no|nr|number|key|code))?")
_ID = re.compile(r"(.*[a-z0-9_])?_?(id|uuid|guid)")
_PERIOD = re.compile(r"(.*_)?(year|yr|month|week|quarter|period|wave|round|day|date|time|timestamp|visit)(_.*)?")
_BIRTH = re.compile(r"birth|born|dob")
_MONEY = re.compile(r"\s*[-+(]?\s*[$€£¥]\s*-?\d[\d,. ]*\)?\s*|\s*-?\d{1,3}(,\d{3})+(\.\d+)?\s*")
_FEWEST_GROUPS = 10
_LARGEST_GROUP = 200
_SURPRISING = 20
_MOSTLY = 0.9
_TWO = 2
_SAMPLE = 2000


@dataclass(frozen=True)
class Grouping:
    """A column whose values stand for persons or things that have several rows each."""

    column: str
    values: int
    rows: int

    @property
    def sentence(self) -> str:
        return (
            f"{self.column} has {self.values:,} values over {self.rows:,} rows: rows of one {_entity(self.column)} on "
            "both sides of the split make scores too good"
        )


@dataclass(frozen=True)
class Proposal:
    """Proposed values for a project. `notes` are sentences with the reasons."""

    target: str
    prediction: str
    metric: str
    stratify: bool = False
    group: str = ""
    time: str = ""
    positive: str = ""
    notes: tuple[str, ...] = ()


def propose(frame: pd.DataFrame, target: str = "", prediction: str = "") -> Proposal:
    """Propose the first settings for a table; a given target or type of prediction stays."""
    notes: list[str] = []
    if target:
        if target not in frame.columns:
            check_target(frame, target)
    else:
        target, why = propose_target(frame)
        notes.append(f"target is {target!r}, {why}")
    values = frame[target].dropna()
    if missing := len(frame) - len(values):
        notes.append(
            f"{target!r} is missing in {missing:,} of {len(frame):,} rows, from which nothing can be learned: fill "
            "them in or leave them out in clean_table() of processor.py, before the first training"
        )
    if not prediction:
        prediction, why = propose_prediction(values)
        notes.append(f"prediction is {prediction}: {why}")
    metric, stratify, positive = DEFAULT[prediction], False, ""
    if prediction == CLASSIFICATION and (rare := find_rare_class(values)) is not None:
        metric, positive = rare.metric, rare.positive
        stratify = rare.rows >= _TWO
        notes.append(f"metric is {metric}: {rare.sentence}")
    group = find_group(frame, target)
    time = "" if group else find_time(frame, target)
    if group:
        notes.append(f"group is {group.column!r}: {group.sentence}")
    elif time:
        notes.append(f"time is {time!r}: the rows are in its order, so the test part is the latest rows")
    elif stratify:
        notes.append("stratify is on: both parts get the same share of each class")
    notes += _time_notes(frame, target, group.column if group else time)
    stratify = stratify and not group and not time
    return Proposal(target, prediction, metric, stratify, group.column if group else "", time, positive, tuple(notes))


def propose_target(frame: pd.DataFrame) -> tuple[str, str]:
    """The proposed target and the reason: a column with a typical name, or else the last one that has values."""
    names = {name.lower(): name for name in reversed([str(name) for name in frame.columns])}
    for name in _TARGETS:
        if name in names and frame[names[name]].notna().any():
            return names[name], "by its name"
    usable = [str(name) for name in frame.columns if frame[name].nunique() >= _TWO]
    if not usable:
        return str(frame.columns[-1]), "the last column"
    return usable[-1], "the last column"


def propose_prediction(values: pd.Series) -> tuple[str, str]:
    """The type of prediction for the values of a target, and the reason."""
    count = int(values.nunique())
    if is_money(values):
        return REGRESSION, f"its values are amounts, such as {values.iloc[0]!r}; `process` has to make numbers of them"
    task = detect_task(values)
    if task == REGRESSION:
        return task, f"it has {count:,} different numbers"
    shown = ", ".join(repr(_to_builtin(value)) for value in list(values.value_counts().index[:3]))
    return task, f"it has {count:,} different values: {shown}{', …' if count > 3 else ''}"  # noqa: PLR2004


def is_money(values: pd.Series) -> bool:
    """Whether the values are texts of amounts of money, such as $1,234."""
    present = values.dropna().head(_SAMPLE)
    if present.empty or present.dtype.kind in "biufcmM":
        return False
    found = [isinstance(value, str) and _MONEY.fullmatch(value) is not None for value in present]
    return sum(found) >= _MOSTLY * len(found)


@dataclass(frozen=True)
class RareClass:
    """The rarest class of a target, if it has less than a tenth of the rows."""

    name: str
    rows: int
    of: int
    metric: str
    positive: str

    @property
    def sentence(self) -> str:
        return (
            f"{self.rows:,} of {self.of:,} rows ({self.rows / self.of:.1%}) are of the class {self.name!r}, and "
            f"always saying another has an accuracy of {1 - self.rows / self.of:.3f}"
            if self.positive
            else f"{self.rows:,} of {self.of:,} rows ({self.rows / self.of:.1%}) are of the class {self.name!r}, which "
            "accuracy hardly counts"
        )


def find_rare_class(values: pd.Series) -> RareClass | None:
    """The rarest class if it is rare. Of two classes, it is the positive one.

    One of many classes must also have less than half of an equal share: each of ten digits may be below a tenth.
    """
    counts = values.value_counts()
    if len(counts) < _TWO or counts.iloc[-1] >= min(RARE_SHARE, 0.5 / len(counts)) * counts.sum():
        return None
    binary = len(counts) == _TWO
    metric = "pr_auc" if binary else "balanced_acc"
    name = str(_to_builtin(counts.index[-1]))
    return RareClass(name, int(counts.iloc[-1]), int(counts.sum()), metric, name if binary else "")


def find_group(frame: ColumnTable, target: str = "") -> Grouping | None:
    """The column of a person or thing with several rows, if it is certain.

    It is certain by a typical name (customer_id, patient) with repeated values; or in a panel: a column that is a key
    together with a column of times, although by chance many rows would have had the same key.
    """
    candidates = []
    for name in map(str, frame.columns):
        if name == target or not _repeats(frame[name]):
            continue
        entity, numbered = _has_entity_name(name), _has_id_name(name)
        if entity or numbered or any(_is_panel(frame, name, time) for time in _periods(frame, name, target)):
            count = int(frame[name].nunique())
            candidates.append((not entity, not numbered, -count, Grouping(name, count, len(frame))))
    candidates = [one for one in candidates if _has_distinct_rows(frame, one[-1].column)]
    return min(candidates, key=lambda one: one[:3])[-1] if candidates else None


def find_time(frame: pd.DataFrame, target: str = "") -> str:
    """The column of times in whose order the rows are; empty if there is none."""
    for name in map(str, frame.columns):
        if name == target or _BIRTH.search(name.lower()):
            continue
        values = frame[name]
        if values.isna().any() or values.nunique() < max(_FEWEST_GROUPS, len(values) / _SURPRISING):
            continue
        if _is_dates(values):
            times = _times(values)
            if times.is_monotonic_increasing or times.is_monotonic_decreasing:
                return name
    return ""


def _time_notes(frame: pd.DataFrame, target: str, used_column: str) -> Iterable[str]:
    """Notes about columns of times that are not used, but may matter."""
    for name in map(str, frame.columns):
        if name in (target, used_column) or used_column or _BIRTH.search(name.lower()) or frame[name].dropna().empty:
            continue
        if _is_dates(frame[name].dropna()):
            yield (
                f'{name} has dates: if the model is to predict later rows from earlier ones, set [data] time = "{name}"'
            )
            return


def _has_entity_name(name: str) -> bool:
    return _ENTITY.fullmatch(_snake(name)) is not None


def _has_id_name(name: str) -> bool:
    return _ID.fullmatch(_snake(name)) is not None


def _snake(name: str) -> str:
    """The name in snake case: customerID and Customer Id become customer_id."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")


def _entity(name: str) -> str:
    """The entity of a column of ids: `person` for person_id."""
    word = re.sub(r"_?(id|no|nr|number|key|code|uuid|guid)$", "", _snake(name))
    return word.replace("_", " ") or "id"


def _repeats(values: pd.Series) -> bool:
    """Whether values are integers or texts, most of which occur several times, but none very often."""
    rows, count = len(values), int(values.nunique())
    if values.dtype.kind in "bcmM" or count < _FEWEST_GROUPS or values.isna().any() or rows < count * 1.2:
        return False
    if values.dtype.kind == "f" and not bool(values.eq(values.round()).all()):
        return False
    return rows / count <= _LARGEST_GROUP


def _periods(frame: ColumnTable, name: str, target: str) -> list[str]:
    """Columns with the name of a time or period, and several values."""
    names = [str(one) for one in frame.columns if str(one) not in (name, target)]
    return [one for one in names if _PERIOD.fullmatch(_snake(one)) and frame[one].nunique() >= _TWO]


def _is_panel(frame: ColumnTable, name: str, time: str) -> bool:
    """Whether both columns are a key of the rows, and by chance would not be one."""
    import pandas as pd

    rows, groups, times = len(frame), int(frame[name].nunique()), int(frame[time].nunique())
    by_chance = rows * (rows - 1) / 2 / (groups * times)
    keys = pd.DataFrame({name: frame[name], time: frame[time]})
    return groups > times and by_chance >= _SURPRISING and not keys.duplicated().any()


def _has_distinct_rows(frame: ColumnTable, name: str) -> bool:
    """Whether rows with the same value are more than copies of each other."""
    import pandas as pd

    several = frame[name].duplicated(keep=False).to_numpy()
    return not bool(pd.Series(row_hashes(frame)[several]).duplicated(keep=False).all())


def _is_dates(values: pd.Series) -> bool:
    from airflow_mlcraft.ml.columns import is_dates

    return values.dtype.kind not in "biufc" and is_dates(values.head(_SAMPLE))


def _times(values: pd.Series) -> Any:
    from airflow_mlcraft.ml.columns import to_dates

    return to_dates(values)


def _to_builtin(value: Any) -> Any:
    """A numpy value as a Python value; a whole float as an integer."""
    converted = value.item() if hasattr(value, "item") else value
    return int(converted) if isinstance(converted, float) and converted.is_integer() else converted
