"""Times as pages read them."""

from __future__ import annotations

from datetime import datetime, timezone


def iso(seconds: float) -> str:
    """A time of a file."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def iso_or_none(moment: datetime | None) -> str | None:
    """A time of a row, which may not have come yet."""
    return moment.isoformat() if moment is not None else None
