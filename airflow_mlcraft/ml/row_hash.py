"""64-bit hashes of rows by their content, the same for every file format, order, version and machine.

A value has one normal form, whatever holds it: 1, 1.0 and "1" are one number, "2024-05-31" is a time, missing values
count as nothing. Rows are told apart by these hashes, and a row's side of a split is decided by its hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.ml.data.text_values import NULLS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from airflow_mlcraft.ml.data.table_on_disk import ColumnTable

    Hashes = NDArray[np.uint64]


ROW_HASH = "__row_hash__"
"""The column of a training or test part that keeps the hash of each row as it was in the source."""
_NULLS = frozenset(NULLS)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_FIRST_OF_NUMBER, _FIRST_OF_TRUTH = frozenset("+-.0123456789"), frozenset("tTfF")
_EXACT = 2**53
_OF_NUMBER, _OF_TIME = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_OF_INTEGER = np.uint64(0x165667B19E3779F9)
_OF_TRUTH = np.array([0x2545F4914F6CDD1D, 0x8CB92BA72F3D8DD7], dtype=np.uint64)


def row_hashes(frame: ColumnTable, columns: Sequence[str] | None = None) -> Hashes:
    """One hash a row, over all columns or these. The order of columns does not matter, nor do those without values."""
    total = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns if columns is None else columns:
        if name == ROW_HASH:
            continue
        hashes, missing = value_hashes(frame[name])
        part = _mixed(hashes ^ _digests([str(name)])[0])
        part[missing] = 0
        total += part
    return _mixed(total)


def kept_row_hashes(frame: pd.DataFrame) -> Hashes:
    """The hashes that `process` has put into a part, or those of its own content where it has none."""
    if ROW_HASH in frame.columns:
        kept: Hashes = frame[ROW_HASH].to_numpy(dtype=np.uint64)
        return kept
    return row_hashes(frame)


def key_hashes(values: pd.Series) -> Hashes:
    """One hash a value, as of an id or a group; missing values share one."""
    hashes, missing = value_hashes(values)
    hashes[missing] = 0
    return _mixed(hashes)


def uniform(hashes: Hashes, seed: int) -> NDArray[np.float64]:
    """A number from 0 up to 1 for each hash; another seed gives other numbers."""
    mixed = _mixed(hashes ^ _mixed(np.array([seed + 1], dtype=np.uint64)))
    made: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return made


def value_hashes(values: pd.Series) -> tuple[Hashes, NDArray[np.bool_]]:
    """A hash for each value by its normal form, and which are missing."""
    import pandas as pd

    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        hashes, missing = value_hashes(pd.Series(dtype.categories))
        codes = values.cat.codes.to_numpy()
        return _taken(hashes, codes), (codes < 0) | _taken(missing, codes)
    lacking = values.isna().to_numpy(dtype=bool)
    if dtype.kind not in _PLAIN:
        return _objects(values, lacking)
    return _PLAIN[dtype.kind](values, lacking), lacking


def _truths(values: pd.Series, lacking: NDArray[np.bool_]) -> Hashes:
    made: Hashes = _taken(_OF_TRUTH, _filled(values, lacking, False).astype(np.intp))
    return made


def _durations(values: pd.Series, lacking: NDArray[np.bool_]) -> Hashes:
    return _floats(values.dt.total_seconds().fillna(0.0).to_numpy(dtype=np.float64))


def _objects(values: pd.Series, lacking: NDArray[np.bool_]) -> tuple[Hashes, NDArray[np.bool_]]:
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        codes, unique = pd.factorize(values)
    else:
        # 1, 1.0 and True are equal for pandas.
        texts = [None if empty else _text_of(value) for value, empty in zip(values, lacking, strict=True)]
        codes, unique = pd.factorize(np.asarray(texts, dtype=object))
    hashes, missing = _texts([str(one) for one in unique])
    return _taken(hashes, codes), lacking | (codes < 0) | _taken(missing, codes)


def _text_of(value: Any) -> str:
    """A value that is no text, as one would write it in a file."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _texts(texts: list[str]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Texts that stand for a number, a time or a truth value hash as these do."""
    missing = np.fromiter((text in _NULLS for text in texts), dtype=bool, count=len(texts))
    hashes = _digests(texts)
    numbers, dates = list[int](), list[int]()
    for place, text in enumerate(texts):
        first = text.lstrip()[:1]
        if first in _FIRST_OF_NUMBER:
            if _NUMBER.fullmatch(text.strip()):
                numbers.append(place)
            elif _DATE.fullmatch(text.strip()):
                dates.append(place)
        elif first in _FIRST_OF_TRUTH and (truth := _TRUTH.get(text.strip().lower())) is not None:
            hashes[place] = _OF_TRUTH[int(truth)]
    _put_numbers(hashes, numbers, texts)
    _put_dates(hashes, dates, texts)
    return hashes, missing


def _put_numbers(hashes: Hashes, places: list[int], texts: list[str]) -> None:
    floats = np.array([float(texts[place]) for place in places])
    hashes[places] = _floats(floats)
    for place in np.flatnonzero(np.abs(floats) > _EXACT):
        text = texts[places[int(place)]].strip()
        if text.lstrip("+-").isdecimal():
            kind = np.uint64 if 0 <= (value := int(text)) < 2**64 else np.int64
            if -(2**63) <= value < 2**64:
                hashes[places[int(place)]] = _integers(np.array([value], dtype=kind))[0]


def _put_dates(hashes: Hashes, places: list[int], texts: list[str]) -> None:
    import pandas as pd

    if places:
        written = pd.Series([texts[place].strip() for place in places], dtype=object)
        times = pd.to_datetime(written, errors="coerce", utc=True, format="ISO8601")
        valid = times.notna().to_numpy()
        hashes[np.asarray(places)[valid]] = _times(times)[valid]


def _digests(texts: list[str]) -> Hashes:
    digests = b"".join([blake2b(text.encode("utf-8", "replace"), digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _integers(values: Any) -> Hashes:
    """As the floats that they are; those that no float is, by their own bits."""
    floats = values.astype(np.float64)
    hashes = _floats(floats)
    large = np.flatnonzero((values > _EXACT) | (values < -_EXACT))
    if len(large):
        most = float(np.iinfo(values.dtype).max)
        back = np.where(floats[large] < most, floats[large], 0).astype(values.dtype)
        odd = large[back != values[large]]
        hashes[odd] = _mixed(values[odd].astype(np.uint64) ^ _OF_INTEGER)
    return hashes


def _floats(values: Any) -> Hashes:
    if values.dtype.itemsize < np.dtype(np.float64).itemsize:
        # 0.1 in 32 bits is written as 0.1, and is meant by it.
        unique, places = np.unique(values, return_inverse=True)
        values = np.array([float(str(one)) for one in unique], dtype=np.float64)[places]
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    return _mixed(bits ^ _OF_NUMBER)


def _times(values: pd.Series) -> Hashes:
    """By their microseconds in UTC."""
    plain = values.dt.tz_convert(None) if getattr(values.dtype, "tz", None) is not None else values
    return _mixed(plain.to_numpy(dtype="datetime64[us]").view(np.uint64) ^ _OF_TIME)


def _filled(values: pd.Series, lacking: NDArray[np.bool_], filler: Any) -> Any:
    return (values.fillna(filler) if lacking.any() else values).to_numpy(dtype=_plain_type(values.dtype))


def _plain_type(dtype: Any) -> Any:
    """The type of numpy that an extension type is of."""
    return getattr(dtype, "numpy_dtype", dtype)


def _taken(values: Any, codes: Any) -> Any:
    """The values at these places; a place of -1 gives an empty one."""
    return np.append(values, values.dtype.type(0))[codes]


def _mixed(values: Hashes) -> Hashes:
    """The last step of SplitMix64: each bit of the input changes half of those of the output."""
    made: Hashes = values.copy()
    made ^= made >> np.uint64(30)
    made *= np.uint64(0xBF58476D1CE4E5B9)
    made ^= made >> np.uint64(27)
    made *= np.uint64(0x94D049BB133111EB)
    made ^= made >> np.uint64(31)
    return made


_PLAIN: dict[str, Callable[[Any, Any], Hashes]] = {
    "b": _truths,
    "i": lambda values, lacking: _integers(_filled(values, lacking, 0)),
    "u": lambda values, lacking: _integers(_filled(values, lacking, 0)),
    "f": lambda values, lacking: _floats(_filled(values, lacking, 0.0)),
    "M": lambda values, lacking: _times(values),
    "m": _durations,
}

ID, SOURCE, PROCESSED = "id", "source", "processed"


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """The same frame with an index of numbers that is no range: filters and sorts keep it, a new index is a range."""
    import pandas as pd

    return frame.set_axis(pd.Index(np.arange(len(frame))), axis=0)


def places_of(made: pd.DataFrame, rows: int) -> Any:
    """The place of each row in the `numbered` frame that it was made from, or None where that cannot be told."""
    import pandas as pd

    index = made.index
    if isinstance(index, pd.RangeIndex) or index.dtype != np.int64 or not index.is_unique:
        return None
    places = index.to_numpy()
    return places if places.min() >= 0 and places.max() < rows else None


def hashes_of_source(source: pd.DataFrame, column: str | None) -> tuple[Any, dict[str, Any]]:
    """The hash of each row, by its id or by all of its columns, and which of the two it is."""
    if column is not None and column in source.columns and not source[column].isna().any():
        return key_hashes(source[column]), {"by": ID, "column": column}
    return row_hashes(source), {"by": SOURCE, "columns": sorted(map(str, source.columns))}


def hashes_of_processed(made: pd.DataFrame, column: str | None, code: Path) -> tuple[Any, dict[str, Any]]:
    """The same for rows that are not rows of the source, such as sums of several."""
    if column is not None and column in made.columns and not made[column].isna().any():
        return key_hashes(made[column]), {"by": ID, "column": column}
    digest = sha256_of_file(code)[:16]
    return row_hashes(made), {"by": PROCESSED, "code": digest, "columns": sorted(map(str, made.columns))}


def are_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether hashes of two definitions tell the same rows by the same numbers."""
    return dict(one) == dict(other)
