"""What may not be said: keys and passwords, wherever they turn up in a line."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from airflow_mlcraft.common.urls import MASK

_LONG = 12
_TELLING = re.compile(r"key|token|secret|pass|sig|auth|cred|code", re.IGNORECASE)
_SHORTEST = 4
"""A shorter secret would blot out words; it could be guessed anyway."""


class Secrets:
    """Values that are known to be secret."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """One more, in the forms that it takes in an address."""
        if len(value) >= _SHORTEST:
            self._values |= {value, quote(value, safe=""), quote_plus(value)}

    def mask(self, text: str) -> str:
        """The text without them."""
        for value in sorted(self._values, key=lambda value: (-len(value), value)):
            text = text.replace(value, MASK)
        return text


def secrets_of(address: str) -> list[str]:
    """The parts of an address that may be secret: those that are long, or named as secrets are."""
    parts = urlsplit(address)
    named = parse_qsl(parts.query)
    values = [value for name, value in named if len(value) >= _LONG or _TELLING.search(name)]
    return [value for value in (parts.password, *values) if value]
