"""64-bit hashes of rows by their content, the same for every file format, order, version and machine.

Each value has one normal form, whatever its type: 1, 1.0 and "1" are one number, "2024-05-31" is a time, missing
values are ignored. Rows are identified by these hashes, and a row's part in a split depends on its hash.
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
"""The column of a training or test part with the hash of each row as it was in the source."""
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
    """One hash for each row, of all columns or these. Neither the order of columns nor empty columns matter."""
    total = np.zeros(len(frame), dtype=np.uint64)
    for name in frame.columns if columns is None else columns:
        if name == ROW_HASH:
            continue
        hashes, missing = value_hashes(frame[name])
        part = _mix_bits(hashes ^ _digests([str(name)])[0])
        part[missing] = 0
        total += part
    return _mix_bits(total)


def stored_row_hashes(frame: pd.DataFrame) -> Hashes:
    """The hashes that `process` has stored in a part, or otherwise those of the part's content."""
    if ROW_HASH in frame.columns:
        kept: Hashes = frame[ROW_HASH].to_numpy(dtype=np.uint64)
        return kept
    return row_hashes(frame)


def key_hashes(values: pd.Series) -> Hashes:
    """One hash for each value of an id or group; missing values share one."""
    hashes, missing = value_hashes(values)
    hashes[missing] = 0
    return _mix_bits(hashes)


def to_uniform(hashes: Hashes, seed: int) -> NDArray[np.float64]:
    """A number from 0 up to 1 for each hash; another seed gives other numbers."""
    mixed = _mix_bits(hashes ^ _mix_bits(np.array([seed + 1], dtype=np.uint64)))
    uniform: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return uniform


def value_hashes(values: pd.Series) -> tuple[Hashes, NDArray[np.bool_]]:
    """A hash for each value by its normal form, and which are missing."""
    import pandas as pd

    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        hashes, missing = value_hashes(pd.Series(dtype.categories))
        codes = values.cat.codes.to_numpy()
        return _take_or_empty(hashes, codes), (codes < 0) | _take_or_empty(missing, codes)
    missing_mask = values.isna().to_numpy(dtype=bool)
    if dtype.kind not in _HASHERS:
        return _hash_objects(values, missing_mask)
    return _HASHERS[dtype.kind](values, missing_mask), missing_mask


def _hash_booleans(values: pd.Series, missing_mask: NDArray[np.bool_]) -> Hashes:
    hashes: Hashes = _take_or_empty(_OF_TRUTH, _fill_missing(values, missing_mask, False).astype(np.intp))
    return hashes


def _hash_durations(values: pd.Series, missing_mask: NDArray[np.bool_]) -> Hashes:
    return _hash_floats(values.dt.total_seconds().fillna(0.0).to_numpy(dtype=np.float64))


def _hash_objects(values: pd.Series, missing_mask: NDArray[np.bool_]) -> tuple[Hashes, NDArray[np.bool_]]:
    import pandas as pd

    if pd.api.types.infer_dtype(values, skipna=True) == "string":
        codes, unique = pd.factorize(values)
    else:
        # 1, 1.0 and True are equal for pandas.
        texts = [None if empty else _to_text(value) for value, empty in zip(values, missing_mask, strict=True)]
        codes, unique = pd.factorize(np.asarray(texts, dtype=object))
    hashes, missing = _hash_texts([str(one) for one in unique])
    return _take_or_empty(hashes, codes), missing_mask | (codes < 0) | _take_or_empty(missing, codes)


def _to_text(value: Any) -> str:
    """A value that is no text, as it is written in a file."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _hash_texts(texts: list[str]) -> tuple[Hashes, NDArray[np.bool_]]:
    """Hashes of texts; texts of numbers, times and truth values have the hashes of those."""
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
    _hash_number_texts(hashes, numbers, texts)
    _hash_date_texts(hashes, dates, texts)
    return hashes, missing


def _hash_number_texts(hashes: Hashes, places: list[int], texts: list[str]) -> None:
    floats = np.array([float(texts[place]) for place in places])
    hashes[places] = _hash_floats(floats)
    for place in np.flatnonzero(np.abs(floats) > _EXACT):
        text = texts[places[int(place)]].strip()
        if text.lstrip("+-").isdecimal():
            kind = np.uint64 if 0 <= (value := int(text)) < 2**64 else np.int64
            if -(2**63) <= value < 2**64:
                hashes[places[int(place)]] = _hash_integers(np.array([value], dtype=kind))[0]


def _hash_date_texts(hashes: Hashes, places: list[int], texts: list[str]) -> None:
    import pandas as pd

    if places:
        written = pd.Series([texts[place].strip() for place in places], dtype=object)
        times = pd.to_datetime(written, errors="coerce", utc=True, format="ISO8601")
        valid = times.notna().to_numpy()
        hashes[np.asarray(places)[valid]] = _hash_times(times)[valid]


def _digests(texts: list[str]) -> Hashes:
    digests = b"".join([blake2b(text.encode("utf-8", "replace"), digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _hash_integers(values: Any) -> Hashes:
    """Hashes of integers: those of the equal floats, or of their own bits if no float is equal."""
    floats = values.astype(np.float64)
    hashes = _hash_floats(floats)
    large = np.flatnonzero((values > _EXACT) | (values < -_EXACT))
    if len(large):
        most = float(np.iinfo(values.dtype).max)
        back = np.where(floats[large] < most, floats[large], 0).astype(values.dtype)
        odd = large[back != values[large]]
        hashes[odd] = _mix_bits(values[odd].astype(np.uint64) ^ _OF_INTEGER)
    return hashes


def _hash_floats(values: Any) -> Hashes:
    if values.dtype.itemsize < np.dtype(np.float64).itemsize:
        # 0.1 in 32 bits is written as 0.1, so its hash must equal that of 0.1 in 64 bits.
        unique, places = np.unique(values, return_inverse=True)
        values = np.array([float(str(one)) for one in unique], dtype=np.float64)[places]
    bits = (np.ascontiguousarray(values, dtype=np.float64) + 0.0).view(np.uint64)
    return _mix_bits(bits ^ _OF_NUMBER)


def _hash_times(values: pd.Series) -> Hashes:
    """Hashes of times, of their microseconds in UTC."""
    plain = values.dt.tz_convert(None) if getattr(values.dtype, "tz", None) is not None else values
    return _mix_bits(plain.to_numpy(dtype="datetime64[us]").view(np.uint64) ^ _OF_TIME)


def _fill_missing(values: pd.Series, missing_mask: NDArray[np.bool_], filler: Any) -> Any:
    return (values.fillna(filler) if missing_mask.any() else values).to_numpy(dtype=_numpy_type(values.dtype))


def _numpy_type(dtype: Any) -> Any:
    """The numpy type of an extension type."""
    return getattr(dtype, "numpy_dtype", dtype)


def _take_or_empty(values: Any, codes: Any) -> Any:
    """The values at these positions; an empty value for the position -1."""
    return np.append(values, values.dtype.type(0))[codes]


def _mix_bits(values: Hashes) -> Hashes:
    """The last step of SplitMix64: each bit of the input changes half of those of the output."""
    mixed: Hashes = values.copy()
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


_HASHERS: dict[str, Callable[[Any, Any], Hashes]] = {
    "b": _hash_booleans,
    "i": lambda values, missing_mask: _hash_integers(_fill_missing(values, missing_mask, 0)),
    "u": lambda values, missing_mask: _hash_integers(_fill_missing(values, missing_mask, 0)),
    "f": lambda values, missing_mask: _hash_floats(_fill_missing(values, missing_mask, 0.0)),
    "M": lambda values, missing_mask: _hash_times(values),
    "m": _hash_durations,
}

ID, SOURCE, PROCESSED = "id", "source", "processed"


def with_row_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a numeric index that is no range, so that an index reset by user code can be recognised."""
    import pandas as pd

    return frame.set_axis(pd.Index(np.arange(len(frame))), axis=0)


def source_positions(result: pd.DataFrame, rows: int) -> Any:
    """The position of each row in the frame from `with_row_numbers` that it comes from; None if that is unknown."""
    import pandas as pd

    index = result.index
    if isinstance(index, pd.RangeIndex) or index.dtype != np.int64 or not index.is_unique:
        return None
    places = index.to_numpy()
    return places if places.min() >= 0 and places.max() < rows else None


def hashes_of_source(source: pd.DataFrame, column: str | None) -> tuple[Any, dict[str, Any]]:
    """The hash of each row, of its id or of all columns, and a description of what was hashed."""
    if column is not None and column in source.columns and not source[column].isna().any():
        return key_hashes(source[column]), {"by": ID, "column": column}
    return row_hashes(source), {"by": SOURCE, "columns": sorted(map(str, source.columns))}


def hashes_of_processed(result: pd.DataFrame, column: str | None, code: Path) -> tuple[Any, dict[str, Any]]:
    """The hash of each row, for rows that are no rows of the source, such as sums of several."""
    if column is not None and column in result.columns and not result[column].isna().any():
        return key_hashes(result[column]), {"by": ID, "column": column}
    digest = sha256_of_file(code)[:16]
    return row_hashes(result), {"by": PROCESSED, "code": digest, "columns": sorted(map(str, result.columns))}


def are_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions of what was hashed are the same, so that hashes can be compared."""
    return dict(one) == dict(other)
