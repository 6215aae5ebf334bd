"""Names of columns: each must be there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from airflow_mlcraft.errors import StepError


def checked_names(file: str, names: Sequence[str]) -> list[str]:
    """The names, if no two columns share one."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        name = twice[0]
        places = " and ".join(str(place) for place, other in enumerate(names, 1) if other == name)
        more = f" ({len(twice)} names are)" if len(twice) > 1 else ""
        raise StepError(
            f"{file}: the column name {name!r} is there more than once{more}, as columns {places}; "
            "give each column a name of its own"
        )
    return list(names)
