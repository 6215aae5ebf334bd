"""Format of a data file, detected from its content, or from its name where the content is ambiguous."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, cast, get_args

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.csv_dialect import Dialect, detect_dialect
from airflow_mlcraft.ml.data.text_encoding import detect_encoding

Format = Literal["csv", "json", "jsonl", "parquet", "text"]
FORMATS: tuple[Format, ...] = get_args(Format)

_SAMPLE = 1 << 18
_LINE = 1 << 24
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
_BINARIES = (
    (b"PK\x03\x04", "a zip archive or an Office file; unpack it or save it as CSV first"),
    (b"\xd0\xcf\x11\xe0", "an old Office file; save it as CSV first"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ\x00", "compressed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"SQLite format 3\x00", "an SQLite database; read it with the source `sql`"),
    (b"\x89HDF", "an HDF5 file"),
    (b"ARROW1", "an Arrow file; save it as Parquet first"),
    (b"\x80\x04", "a pickle, which is never loaded since it could run code"),
    (b"\x80\x05", "a pickle, which is never loaded since it could run code"),
)
_HTML = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_JSON = re.compile(r"\s*(\{\s*(\"|\}|$)|\[\s*([\[{\"\]\d-]|true\b|false\b|null\b|$))")
_CSV_NAMES = (".csv", ".tsv", ".tab")
_LINES_NAMES = (".jsonl", ".ndjson")
_TEXT_NAMES = (".txt", ".md", ".rst", ".log")


@dataclass(frozen=True)
class FileFormat:
    """Format of a file. Text formats have an encoding, CSV has a dialect."""

    format: Format
    encoding: str = ""
    dialect: Dialect | None = None
    gzipped: bool = False


def detect_format(path: Path, format: str = "auto") -> FileFormat:  # noqa: A002
    """Detect the format of a file; a `format` other than "auto" is checked and completed."""
    if format != "auto" and format not in FORMATS:
        raise StepError(f"there is no format {format!r}; expected auto, {', '.join(FORMATS)}")
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE)
    gzipped = head.startswith(_GZIP)
    if not head:
        raise StepError(f"{path.name} is empty: it has no byte")
    if not gzipped and (format == "parquet" or head.startswith(_PARQUET)):
        return _parquet(path, head, format)
    encoding = _text_encoding(path, head, gzipped=gzipped)
    form = FileFormat("text", encoding, gzipped=gzipped)
    if format == "text":
        return form
    sample, cut = _sample(path, form)
    if not sample.strip():
        raise StepError(f"{path.name} is empty: it has nothing but white space")
    _refuse_html(path, sample)
    if format == "auto":
        format = _format(path, sample, form, cut=cut)  # noqa: A001
    if format == "parquet":
        raise StepError(f"{path.name} is no Parquet file: it holds text")
    dialect = detect_dialect(sample, cut=cut, is_csv=True) if format == "csv" else None
    return FileFormat(cast(Format, format), encoding, dialect, gzipped)


def csv_dialect(form: FileFormat) -> Dialect:
    """The dialect of a file format; the default one for other formats than CSV."""
    return form.dialect or Dialect()


def open_bytes(path: Path, form: FileFormat) -> BinaryIO:
    """Open the file's bytes, decompressed."""
    return cast(BinaryIO, gzip.open(path, "rb")) if form.gzipped else path.open("rb")


def open_text(path: Path, form: FileFormat) -> TextIO:
    """Open the file's characters, with line ends as they are."""
    return io.TextIOWrapper(open_bytes(path, form), encoding=form.encoding, newline="")


def _parquet(path: Path, head: bytes, format: str) -> FileFormat:  # noqa: A002
    if format not in ("auto", "parquet"):
        raise StepError(f"{path.name} is a Parquet file, and not {format}")
    with path.open("rb") as handle:
        handle.seek(-min(len(head), 4), 2)
        tail = handle.read()
    if not head.startswith(_PARQUET):
        raise StepError(f"{path.name} is no Parquet file: it does not begin as one")
    if len(head) < 12 or tail != _PARQUET:  # noqa: PLR2004
        raise StepError(f"{path.name} is a Parquet file that is cut off: its end is missing; fetch it again")
    return FileFormat("parquet")


def _text_encoding(path: Path, head: bytes, *, gzipped: bool) -> str:
    for magic, description in _BINARIES:
        if head.startswith(magic):
            raise StepError(f"{path.name} is {description}; expected CSV, JSON, JSON lines, Parquet or text")
    try:
        encoding = detect_encoding(lambda: open_bytes(path, FileFormat("text", gzipped=gzipped)))
    except (OSError, EOFError) as error:
        raise StepError(f"{path.name} is compressed with gzip, and broken: {error}; fetch it again") from None
    if encoding is None:
        raise StepError(f"{path.name} is binary, of a kind that is not known; expected CSV, JSON, Parquet or text")
    return encoding


def _sample(path: Path, form: FileFormat) -> tuple[str, bool]:
    """The first lines, and whether the file has more."""
    with open_bytes(path, form) as handle:
        raw = handle.read(_SAMPLE)
        cut = bool(handle.read(1))
    return codecs.getincrementaldecoder(form.encoding)("replace").decode(raw, final=not cut), cut


def _refuse_html(path: Path, sample: str) -> None:
    if _HTML.match(sample):
        title = _TITLE.search(sample)
        title_text = f' ("{" ".join(title[1].split())[:80]}")' if title else ""
        raise StepError(
            f"{path.name} is an HTML page{title_text}, and no data: the address may lead to a login or an error; "
            "look at it in a browser, and use the address of the file itself"
        )


def _format(path: Path, sample: str, form: FileFormat, *, cut: bool) -> Format:
    name = _name(path)
    if _JSON.match(sample) and (found := _json_or_lines(path, form)):
        return found
    is_csv = name.endswith(_CSV_NAMES)
    if name.endswith(_TEXT_NAMES) and not _is_surely_csv(sample, cut=cut):
        return "text"
    return "csv" if detect_dialect(sample, cut=cut, is_csv=is_csv) else "text"


def _name(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _is_surely_csv(sample: str, *, cut: bool) -> bool:
    """Whether a file with the name of a text file is CSV: it needs three rows or more."""
    lines = [line for line in sample.splitlines() if line.strip()]
    return len(lines) > 2 and detect_dialect(sample, cut=cut) is not None  # noqa: PLR2004


def _json_or_lines(path: Path, form: FileFormat) -> Format | None:
    """JSON or JSON lines, which are several values on lines of their own; the name decides for a single value."""
    with open_text(path, form) as handle:
        first, second = _read_nonblank_line(handle), _read_nonblank_line(handle)
    try:
        value = json.loads(first)
    except RecursionError:
        return "json"
    except ValueError:
        return "json" if _looks_like_json(first) else None
    several = isinstance(value, dict | list) and second
    return "jsonl" if several or (not second and _name(path).endswith(_LINES_NAMES)) else "json"


def _read_nonblank_line(handle: TextIO) -> str:
    """The next line that is not blank."""
    while line := handle.readline(_LINE):
        if line.strip():
            return line.strip()
    return ""


def _looks_like_json(line: str) -> bool:
    """Whether a first line starts an object or an array, rather than a heading such as `[1. Introduction]`."""
    return not line.startswith("[") or not line.endswith("]")
