"""Text that fits where it goes: on one line, in so many columns of a terminal."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """The text without line breaks and characters that cannot be printed; never empty."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split()) or "?"


def columns(text: str) -> int:
    """How many terminal columns a text takes."""
    return sum(char_columns(char) for char in text)


def char_columns(char: str) -> int:
    """0 for what joins the character before it, 2 for wide East Asian characters and emoji, 1 for others."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, limit: int) -> str:
    """The text, cut with an ellipsis when it takes more columns than that."""
    if columns(text) <= limit:
        return text
    kept = ""
    for char in text:
        if columns(kept + char) > limit - 1:
            break
        kept += char
    return kept + "…"
