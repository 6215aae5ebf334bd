"""How values are written in text: the words for a missing one, the form of a date. All that reads rows agrees on it."""

from __future__ import annotations

import re

NULLS = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
         "NULL", "NaN", "None", "n/a", "nan", "null")  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def is_written_date(value: str) -> bool:
    """Whether a text has the form of a date such as 2024-05-31, with a time of day or without."""
    return _DATE.fullmatch(value.strip()) is not None
