"""The lines of `.gitignore` that keep data itself out of git, as DVC writes them."""

from __future__ import annotations

_SPECIAL = "\\[]!*#?"


def line_for(name: str) -> str:
    """The line that ignores a file or folder of that name beside the `.gitignore`."""
    return "/" + "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in name)


def with_lines(before: bytes | None, lines: list[str]) -> bytes:
    """A `.gitignore` that has these lines; what is there stays as it is."""
    text = (before or b"").decode("utf-8", "surrogateescape")
    there = text.split("\n")
    for line in lines:
        if line not in there:
            text += f"{'' if not text or text.endswith(chr(10)) else chr(10)}{line}\n"
            there.append(line)
    return text.encode("utf-8", "surrogateescape")
