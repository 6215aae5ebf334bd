"""Profile of one column, collected batch by batch in bounded memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DISTINCT = 1000
"""Distinct values are counted up to this number."""
_LONG = 100
_NUMBER = r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$"
_NUMBERS = ("integer", "number")
_OBJECTS = {bool: "boolean", int: "integer", float: "number"}
_SHOWN = 40
_PROBE = 20


@dataclass
class ColumnProfile:
    """The profile of a column. Values are counted by kind, so that a column of several kinds is known as mixed."""

    name: str
    decimal: str = "."
    rows: int = 0
    nulls: int = 0
    infinite: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    first: dict[str, tuple[int, str]] = field(default_factory=dict)
    ends: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    sum: float = 0.0
    longest: int = 0
    _distinct: set[Any] | None = field(default_factory=set)

    def add(self, values: pa.Array, *, written: bool = False) -> None:
        """Add values. `written` ones are text as in the file, and may be of any kind."""
        values = _decode_dictionary(values)
        whole = len(values)
        present = values.drop_null()
        if len(present):
            for kind, part in self._parts(values, present, written=written):
                self._take(kind, part)
        self.nulls += whole - len(present)
        self.rows += whole

    def add_objects(self, values: list[Any]) -> None:
        """Add values of JSON, each of a kind of its own."""
        import pyarrow as pa

        by_kind: dict[str, list[Any]] = {}
        for row, value in enumerate(values, self.rows + 1):
            if value is None or value != value:  # noqa: PLR0124  (NaN)
                self.nulls += 1
                continue
            kind = _OBJECTS.get(type(value), "text")
            by_kind.setdefault(kind, []).append(value)
            self.first.setdefault(kind, (row, str(value)[:_SHOWN]))
        for kind, part in by_kind.items():
            self._take(kind, _array(pa, part))
        self.rows += len(values)

    def result(self) -> dict[str, Any]:
        """Type, nulls, distinct values, and the range of numbers and times."""
        kind = self._type()
        profile: dict[str, Any] = {"type": kind, "nulls": self.nulls, **self._counted()}
        numbers = sum(self.kinds.get(name, 0) for name in _NUMBERS)
        if kind in _NUMBERS and numbers > self.infinite:
            low, high = self.ends["number"]
            profile |= {"min": low, "max": high, "mean": self.sum / (numbers - self.infinite)}
        elif kind == "time":
            low, high = self.ends["time"]
            profile |= {"min": low.isoformat(), "max": high.isoformat()}
        elif self.longest:
            profile["longest"] = self.longest
        if self.infinite:
            profile["infinite"] = self.infinite
        if kind == "mixed":
            profile["kinds"] = {name: {"count": count, "first_row": self.first[name][0]} for name, count in self._mix()}
        return profile

    def odd_one(self) -> tuple[str, int, int, str] | None:
        """The rarest kind of a mixed column, its count, and the first row and value of it."""
        if self._type() != "mixed":
            return None
        name, count = min(self._mix(), key=lambda pair: pair[1])
        return name, count, *self.first[name]

    def _type(self) -> str:
        kinds = set(self.kinds)
        if not kinds:
            return "empty"
        if kinds <= set(_NUMBERS):
            return "number" if "number" in kinds else "integer"
        return kinds.pop() if len(kinds) == 1 else "mixed"

    def _mix(self) -> list[tuple[str, int]]:
        counts: dict[str, int] = {}
        for name, count in self.kinds.items():
            merged = "number" if name in _NUMBERS and set(_NUMBERS) <= set(self.kinds) else name
            counts[merged] = counts.get(merged, 0) + count
            if merged != name:
                self.first[merged] = min(self.first[kind] for kind in _NUMBERS)
        return sorted(counts.items())

    def _counted(self) -> dict[str, Any]:
        if self._distinct is None:
            return {"distinct": None, "distinct_more_than": MAX_DISTINCT}
        return {"distinct": len(self._distinct)}

    def _parts(self, values: pa.Array, present: pa.Array, *, written: bool) -> list[tuple[str, pa.Array]]:
        """The values by kind. A batch of a single kind, as most are, is converted as a whole."""
        import pyarrow.compute as pc

        if not written:
            kind = _kind(present.type)
            self._note(kind, values, pc.is_valid(values))
            return [(kind, present)]
        if whole := _converted(present, self.decimal):
            self._note(whole[0], values, pc.is_valid(values))
            return [whole]
        is_number = pc.match_substring_regex(_pointed(values, self.decimal), _NUMBER)
        numbers, texts = values.filter(is_number), values.filter(pc.invert(is_number))
        parts = []
        if len(numbers):
            converted = _converted(numbers, self.decimal) or ("text", numbers)
            self._note(converted[0], values, is_number)
            parts.append(converted)
        if len(texts):
            converted = _converted(texts, self.decimal) or ("text", texts)
            self._note(converted[0], values, pc.invert(is_number))
            parts.append(converted)
        return parts

    def _note(self, kind: str, values: pa.Array, where: pa.Array) -> None:
        """Record the first row of a kind."""
        import pyarrow.compute as pc

        if kind not in self.first:
            place = pc.index(where, True).as_py()
            self.first[kind] = (self.rows + place + 1, str(values[place].as_py())[:_SHOWN])

    def _take(self, kind: str, values: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.kinds[kind] = self.kinds.get(kind, 0) + len(values)
        self._count_distinct("number" if kind in _NUMBERS else kind, values)
        if kind in _NUMBERS:
            if pa.types.is_floating(values.type):
                finite = values.filter(pc.is_finite(values))
                self.infinite += len(values) - len(finite)
                values = finite
            if len(values):
                self._widen("number", values)
                self.sum += float(pc.sum(values.cast(pa.float64(), safe=False)).as_py())
        elif kind == "time":
            self._widen("time", values)
        elif kind == "text":
            self.longest = max(self.longest, pc.max(pc.utf8_length(values)).as_py())

    def _widen(self, kind: str, values: pa.Array) -> None:
        import pyarrow.compute as pc

        found = pc.min_max(values).as_py()
        low, high = self.ends.get(kind, (found["min"], found["max"]))
        self.ends[kind] = min(low, found["min"], key=_comparable), max(high, found["max"], key=_comparable)

    def _count_distinct(self, kind: str, values: pa.Array) -> None:
        if self._distinct is None:
            return
        found = values.unique()
        if len(found) <= MAX_DISTINCT:
            self._distinct.update((kind, _truncate(value)) for value in found.to_pylist())
        if len(found) > MAX_DISTINCT or len(self._distinct) > MAX_DISTINCT:
            self._distinct = None


def _array(pa: Any, values: list[Any]) -> Any:
    """The values as an array; integers may be too large for one."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, OverflowError):
        return pa.array([float(value) for value in values])


def _kind(kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_boolean(kind):
        return "boolean"
    return "time" if pa.types.is_timestamp(kind) else "text"


def _decode_dictionary(values: pa.Array) -> pa.Array:
    """The values in one of a few types: numbers, booleans, times to the microsecond, text. NaN is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        zone = getattr(values.type, "tz", None)
        return values.cast(pa.timestamp("us", zone), safe=False)
    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type) or pa.types.is_string(values.type):
        return values
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return pa.array([None if value is None else str(value) for value in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _converted(texts: pa.Array, decimal: str) -> tuple[str, pa.Array] | None:
    """Texts that are all of one kind, converted to it; as text if none looks like a number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = _pointed(texts, decimal)
    for kind, target in (
        ("integer", pa.int64()),
        ("number", pa.float64()),
        ("time", pa.timestamp("us")),
        ("time", pa.timestamp("us", "UTC")),
    ):
        try:
            # A failing cast checks each value, which is slow, so a few values are tested first.
            words[:_PROBE].cast(target)
            return kind, words.cast(target)
        except pa.ArrowInvalid:
            continue
    lower = pc.ascii_lower(words)
    if pc.all(pc.is_in(lower, pa.array(["true", "false"]))).as_py():
        return "boolean", pc.equal(lower, "true")
    return None if pc.any(pc.match_substring_regex(words, _NUMBER)).as_py() else ("text", texts)


def _pointed(texts: pa.Array, decimal: str) -> pa.Array:
    """Numbers with a decimal point, without surrounding spaces."""
    import pyarrow.compute as pc

    trimmed = pc.ascii_trim_whitespace(texts)
    return trimmed if decimal == "." else pc.replace_substring(trimmed, decimal, ".")


def _truncate(value: Any) -> Any:
    """The start of a long text with a hash of it, so that memory stays bounded."""
    if isinstance(value, str) and len(value) > _LONG:
        return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
    return value


def _comparable(value: Any) -> Any:
    """A time in a form that can be compared with times with and without a zone."""
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value
