"""CSV files as Arrow tables, whole or in batches. Errors have the line of the row."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.csv_dialect import allow_long_fields
from airflow_mlcraft.ml.data.sniff import FileFormat, csv_dialect, open_bytes, open_text
from airflow_mlcraft.ml.data.text_values import NULLS, check_unique_names

if TYPE_CHECKING:
    import pyarrow as pa

TRUE, FALSE = ["true", "True", "TRUE"], ["false", "False", "FALSE"]
BLOCK = 1 << 24
"""Bytes that are read at once; no row may be longer."""
SMALL_BLOCK = 1 << 22
"""Bytes that are read at once where memory should stay small; a longer row needs `BLOCK`."""
_TOO_LONG = "straddling"


def read_table(path: Path, form: FileFormat) -> pa.Table:
    """The whole table; each column has one type.

    Times of day stay as written, and so do codes: digits of which some begin with a zero, as 01234.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    names, options = _options(path, form)
    with _TranslateErrors(path, form, names):
        with open_bytes(path, form) as handle:
            table = arrow.read_csv(handle, **options)
        written = [field.name for field in table.schema if pa.types.is_time(field.type)]
        whole = [field.name for field in table.schema if pa.types.is_integer(field.type)]
        if whole and _may_have_codes(path, form):
            written += _codes(path, form, whole)
        if not written:
            return table
        options["convert_options"].column_types = dict.fromkeys(written, pa.string())
        with open_bytes(path, form) as handle:
            return arrow.read_csv(handle, **options)


def _may_have_codes(path: Path, form: FileFormat) -> bool:
    """Whether a field may begin with a zero that a digit follows."""
    is_start = re.compile(rb"(?:^|[\s\"']|" + re.escape(csv_dialect(form).delimiter.encode()) + rb")0[0-9]")
    tail = b""
    with open_bytes(path, form) as handle:
        while block := handle.read(1 << 20):
            if is_start.search(tail + block):
                return True
            tail = block[-2:]
    return False


def _codes(path: Path, form: FileFormat, names: list[str]) -> list[str]:
    """The columns among these with a value that begins with a zero."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    _, options = _options(path, form)
    options["convert_options"].include_columns = names
    options["convert_options"].column_types = dict.fromkeys(names, pa.string())
    with open_bytes(path, form) as handle:
        table = arrow.read_csv(handle, **options)
    return [name for name in names if _has_codes(table[name])]


def _has_codes(values: Any) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(values, r"^\s*0[0-9]")).as_py())


def read_batches(
    path: Path, form: FileFormat, types: Mapping[str, pa.DataType] | None = None
) -> Iterator[pa.RecordBatch]:
    """The table in batches, with values as texts, or in these types."""
    import pyarrow as pa

    names, options = _options(path, form)
    options["convert_options"].column_types = dict(types or dict.fromkeys(names, pa.string()))
    rows_read = 0
    with _TranslateErrors(path, form, names):
        for size in (SMALL_BLOCK, BLOCK):
            options["read_options"].block_size = size
            try:
                for batch in _skip_rows(rows_read, path, form, options):
                    rows_read += batch.num_rows
                    yield batch
                return
            except pa.ArrowInvalid as error:
                if _TOO_LONG not in str(error) or size == BLOCK:
                    raise


def detect_column_types(path: Path, form: FileFormat) -> tuple[dict[str, pa.DataType], set[str]]:
    """The type of each column as `read_table` finds it, and the columns that lack values; read in pieces."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    names, options = _options(path, form)
    inferring = arrow.ReadOptions(column_names=names, block_size=4 * BLOCK)
    types: dict[str, pa.DataType] = dict.fromkeys(names, pa.null())
    nullable: set[str] = set()
    codes: set[str] = set()
    for batch in read_batches(path, form):
        codes.update(name for name in names if name not in codes and _has_codes(batch.column(name)))
        written = pa.BufferOutputStream()
        form_of_piece = arrow.WriteOptions(include_header=False, quoting_style="needed")
        arrow.write_csv(batch, written, form_of_piece)
        piece = arrow.read_csv(
            pa.BufferReader(written.getvalue()),
            read_options=inferring,
            parse_options=arrow.ParseOptions(newlines_in_values=True),
            convert_options=options["convert_options"],
        )
        for field in piece.schema:
            types[field.name] = _common_type(types[field.name], field.type)
            if piece.column(field.name).null_count:
                nullable.add(field.name)
    written = {name for name in codes if pa.types.is_integer(types[name])}
    written |= {name for name, found in types.items() if pa.types.is_time(found)}
    return {name: pa.string() if name in written else found for name, found in types.items()}, nullable


def _common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """The first type, in the order that Arrow tries, that can hold the values of both."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    number = (pa.types.is_integer, pa.types.is_floating)
    if all(any(is_one(kind) for is_one in number) for kind in (one, other)):
        return pa.float64()
    moment = (pa.types.is_date, pa.types.is_timestamp)
    if all(any(is_one(kind) for is_one in moment) for kind in (one, other)):
        zones = {getattr(kind, "tz", None) for kind in (one, other)}
        units = {getattr(kind, "unit", "s") for kind in (one, other)}
        if len(zones) == 1:
            return pa.timestamp("ns" if "ns" in units else "s", zones.pop())
    return pa.string()


def _skip_rows(rows_read: int, path: Path, form: FileFormat, options: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Batches without the first `rows_read` rows."""
    from pyarrow import csv as arrow

    with open_bytes(path, form) as handle:
        for batch in arrow.open_csv(handle, **options):
            if rows_read < batch.num_rows:
                yield batch.slice(rows_read)
            rows_read = max(0, rows_read - batch.num_rows)


def read_column_names(path: Path, form: FileFormat) -> list[str]:
    """Names of the columns."""
    return _header(path, form)[0]


def _header(path: Path, form: FileFormat) -> tuple[list[str], int]:
    """The names of the columns, and the number of rows before the data."""
    blank = 0
    with allow_long_fields(), open_text(path, form) as handle:
        for row in _reader(handle, form):
            if row:
                break
            blank += 1
    if not csv_dialect(form).header:
        return [f"column_{place}" for place in range(1, len(row) + 1)], blank
    names = [name.strip() or f"column_{place}" for place, name in enumerate(row, 1)]
    return check_unique_names(path.name, names), blank + 1


def _reader(handle: Any, form: FileFormat) -> Any:
    return csv.reader(handle, delimiter=csv_dialect(form).delimiter, quotechar=csv_dialect(form).quote)


def _options(path: Path, form: FileFormat) -> tuple[list[str], dict[str, Any]]:
    from pyarrow import csv as arrow

    names, skipped = _header(path, form)
    encoding = form.encoding.removesuffix("-sig") if form.encoding.startswith("utf-8") else form.encoding
    options = {
        "read_options": arrow.ReadOptions(
            block_size=BLOCK, column_names=names, skip_rows_after_names=skipped, encoding=encoding
        ),
        "parse_options": arrow.ParseOptions(
            delimiter=csv_dialect(form).delimiter, quote_char=csv_dialect(form).quote, newlines_in_values=True
        ),
        "convert_options": arrow.ConvertOptions(
            null_values=list(NULLS),
            true_values=TRUE,
            false_values=FALSE,
            strings_can_be_null=True,
            decimal_point=csv_dialect(form).decimal,
        ),
    }
    return names, options


class _TranslateErrors:
    """Context that raises Arrow's errors about a file as `StepError` with the line."""

    def __init__(self, path: Path, form: FileFormat, names: list[str]):
        self._path, self._form, self._names = path, form, names

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow as pa

        if isinstance(error, pa.ArrowInvalid):
            self._raise_with_line(str(error))

    def _raise_with_line(self, complaint: str) -> NoReturn:
        """Find the line by reading the file again with Python's reader."""
        name, expected, start = self._path.name, len(self._names), 1
        with allow_long_fields(), open_text(self._path, self._form) as handle:
            reader = _reader(handle, self._form)
            for row in reader:
                if row and len(row) != expected:
                    raise StepError(
                        f"{name}, line {start}: {_fields(len(row))} where {expected} are expected"
                        f"{self._explain(row, start, reader.line_num)}"
                    )
                if sum(map(len, row)) > BLOCK // 4:
                    raise StepError(
                        f"{name}, line {start}: a row of {sum(map(len, row)):,} characters; at most {BLOCK:,} bytes "
                        "can be read, so a quote may be missing there"
                    )
                start = reader.line_num + 1
        raise StepError(f"{name} cannot be read as CSV: {complaint}")

    def _explain(self, row: list[str], start: int, end: int) -> str:
        if end > start:
            return f"; a quote that opens there is closed in line {end} or never"
        separated = f"the fields are separated by {csv_dialect(self._form).delimiter!r}"
        return f" ({separated}); mend the line, or take it out" if len(row) > 1 else f" ({separated}); is it cut off?"


def _fields(count: int) -> str:
    return f"{count} field{'s' if count != 1 else ''}"
