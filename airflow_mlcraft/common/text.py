"""Texts for people: cut to a length."""

from __future__ import annotations


def shorten(text: str, length: int) -> str:
    """The text in at most `length` characters; an ellipsis stands for what is left out at the end."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
