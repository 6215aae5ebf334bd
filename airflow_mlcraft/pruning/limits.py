"""Ages and sizes, as people write them."""

from __future__ import annotations

import re

from airflow_mlcraft.errors import MlcraftError

DEFAULT_AGE = "30d"
_AGES = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_SIZES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS = (("kB", 10**3), ("MB", 10**6), ("GB", 10**9), ("TB", 10**12))


def parse_limits(older_than: str, keep: str) -> tuple[float | None, int | None]:
    """Seconds and bytes of `30d` and `20GB`; where neither is given, the age is 30 days."""
    return _parse_age(older_than or ("" if keep else DEFAULT_AGE)), _parse_size(keep)


def format_bytes(size: int) -> str:
    """A size with the unit that fits it."""
    unit, factor = next((one for one in reversed(_UNITS) if size >= one[1]), ("B", 1))
    return f"{size} B" if unit == "B" else f"{size / factor:.1f} {unit}"


def _parse_age(text: str) -> float | None:
    """Seconds of `12h`, `30d`, `8w`; None of nothing."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([hdw])", text.strip())
    if found is None:
        raise MlcraftError(f"the age is {text!r}; expected a number with h, d or w, as 30d")
    return float(found[1]) * _AGES[found[2]]


def _parse_size(text: str) -> int | None:
    """Bytes of `500MB`, `20GB`; None of nothing."""
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise MlcraftError(f"the size is {text!r}; expected a number with MB, GB or TB, as 20GB")
    return int(float(found[1]) * _SIZES[found[2].upper()])
