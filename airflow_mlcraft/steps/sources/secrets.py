"""Masking of keys and passwords in log lines and addresses."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from airflow_mlcraft.common.urls import MASK

_LONG_VALUE = 12
_SECRET_NAME = re.compile(r"key|token|secret|pass|sig|auth|cred|code", re.IGNORECASE)
_MIN_LENGTH = 4
"""Shorter secrets are not masked: masking them would mask parts of ordinary words, too."""


class Secrets:
    """A set of secret values, and the masking of them in texts."""

    def __init__(self) -> None:
        self._values: set[str] = set()

    def add(self, value: str) -> None:
        """Add a value, also in the forms in which addresses quote it."""
        if len(value) >= _MIN_LENGTH:
            self._values |= {value, quote(value, safe=""), quote_plus(value)}

    def mask(self, text: str) -> str:
        """The text with secret values replaced by `***`."""
        for value in sorted(self._values, key=lambda value: (-len(value), value)):
            text = text.replace(value, MASK)
        return text


def find_secrets(address: str) -> list[str]:
    """Secret values in an address: its password, and values of its query that are long or have the name of a secret."""
    parts = urlsplit(address)
    pairs = parse_qsl(parts.query)
    values = [value for name, value in pairs if len(value) >= _LONG_VALUE or _SECRET_NAME.search(name)]
    return [value for value in (parts.password, *values) if value]
