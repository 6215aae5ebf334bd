"""Character encoding of a file, detected from its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

_CHUNK_SIZE = 1 << 20
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_LEGACY_ENCODINGS = (
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "koi8_r",
    "shift_jis",
    "euc_jp",
    "gb18030",
    "big5",
    "euc_kr",
)
_FEW, _MANY = 0.02, 0.3


def detect_encoding(open_bytes: Callable[[], BinaryIO]) -> str | None:
    """The name of a codec; None for bytes that are no text. The whole file is read, in chunks."""
    with open_bytes() as handle:
        head = handle.read(_SAMPLE)
        for mark, name in _MARKS:
            if head.startswith(mark):
                return name
        if wide := _utf16_without_mark(head):
            return wide
        if len(_CONTROLS.findall(head)) > _FEW * len(head) or b"\0" in head:
            return None
        odd = _lines_outside_utf8(head, handle)
    return "utf-8" if odd is None else _detect_legacy(odd)


def _utf16_without_mark(head: bytes) -> str | None:
    """Whether bytes are UTF-16 without a byte order mark: every other byte of plain letters is zero."""
    half = len(head) // 2 or 1
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    if odd > _MANY and even < _FEW:
        return "utf-16-le"
    return "utf-16-be" if even > _MANY and odd < _FEW else None


def _lines_outside_utf8(head: bytes, handle: BinaryIO) -> bytes | None:
    """None if all is UTF-8; otherwise the lines with other than plain letters, from the first invalid chunk on."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in _chunks(head, handle):
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            lines = [line for line in chunk.splitlines() if not line.isascii()]
            return b"\n".join(lines)[:_SAMPLE] or b"\xff"
    return None


def _chunks(head: bytes, handle: BinaryIO) -> Iterator[bytes]:
    yield head
    while chunk := handle.read(_CHUNK_SIZE):
        yield chunk
    yield b""


def _detect_legacy(sample: bytes) -> str:
    """The legacy encoding of a sample. Western European is the most common, and preferred if several fit."""
    import charset_normalizer

    found = charset_normalizer.from_bytes(sample, cp_isolation=list(_LEGACY_ENCODINGS))
    names = [match.encoding for match in found]
    western = _try_decode(sample, "cp1252")
    if not names:
        return "latin-1" if western is None else "cp1252"
    return "cp1252" if "cp1252" in names or western == str(found.best()) else names[0]


def _try_decode(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None
