"""Values in text files: the texts of missing values, the form of dates, and unique column names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from airflow_mlcraft.errors import StepError

NULLS = ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
         "NULL", "NaN", "None", "n/a", "nan", "null")  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def is_date_text(value: str) -> bool:
    """Whether a text has the form of a date such as 2024-05-31, with a time of day or without."""
    return _DATE.fullmatch(value.strip()) is not None


def check_unique_names(file: str, names: Sequence[str]) -> list[str]:
    """The names, if no two columns share one."""
    duplicates = [name for name, count in Counter(names).items() if count > 1]
    if duplicates:
        name = duplicates[0]
        places = " and ".join(str(place) for place, other in enumerate(names, 1) if other == name)
        more = f" ({len(duplicates)} names are)" if len(duplicates) > 1 else ""
        raise StepError(
            f"{file}: the column name {name!r} is there more than once{more}, as columns {places}; "
            "give each column a name of its own"
        )
    return list(names)
