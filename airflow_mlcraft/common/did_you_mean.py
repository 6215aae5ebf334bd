"""The suggestion of a name in place of an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 12


def build_suggestion(name: str, known: Iterable[str]) -> str:
    """A part of a message: the known name that is nearest to a wrong one, or else the known names."""
    names = [str(one) for one in known]
    near = get_close_matches(name.lower(), [one.lower() for one in names], 1, 0.6)
    if near:
        return f"did you mean {next(one for one in names if one.lower() == near[0])!r}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are: {', '.join(names[:_SHOWN])}{more}"
