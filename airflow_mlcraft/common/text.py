"""Shortening of texts for messages."""

from __future__ import annotations


def shorten(text: str, length: int) -> str:
    """The text with at most `length` characters, cut with an ellipsis at the end."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
