"""Rows of a query, read in pieces through SQLAlchemy into Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import UUID

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.steps.sources.source import Call

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine

_ROWS = 20_000
_DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pyodbc",
}
_FOR_GOOD = ("authentication", "password", "does not exist", "denied", "unknown database", "no such", "unable to open")
_PASSING_STATES = ("08", "40", "53", "57")


def write(call: Call, folder: Path) -> Path:
    """The result of the query as Parquet."""
    if not call.query.strip():
        raise StepError("the source sql needs --query, the statement whose rows are wanted")
    connection = call.opened()
    if connection is None:
        raise StepError("the source sql needs --connection, the name of the connection to the database")
    engine = _engine(connection.uri, call.connection)
    try:
        with TemporaryDirectory(dir=folder) as name, _told(call.connection, engine):
            pieces = list(_pieces(engine, call, Path(name)))
            return _joined(pieces, folder / "query.parquet")
    finally:
        engine.dispose()


def _engine(uri: str, name: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    scheme = uri.partition("://")[0]
    try:
        return create_engine(_address(uri))
    except ModuleNotFoundError as error:
        raise StepError(
            f"the connection {name} is of the type {scheme}, which needs the Python package {error.name}; install it"
        ) from None
    except NoSuchModuleError:
        raise StepError(
            f"the connection {name} is of the type {scheme!r}, which SQLAlchemy does not know; "
            "expected one such as postgresql, mysql or sqlite"
        ) from None
    except (ArgumentError, ValueError):
        raise StepError(
            f"the connection {name} has no address of a database; expected one such as "
            "postgresql://user:password@host/database or sqlite:////folder/file.db"
        ) from None


def _address(uri: str) -> str:
    """SQLAlchemy's form of an address in Airflow's, which has a file as its host, and options that are none."""
    scheme, colons, rest = uri.partition("://")
    place, mark, query = rest.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith("__extra__=")]
    if scheme == "sqlite" and place and not place.startswith("/"):
        place = f"/{unquote(place).rstrip('/')}"
    return f"{_DRIVERS.get(scheme, scheme)}{colons}{place}{mark if pairs else ''}{'&'.join(pairs)}"


def _pieces(engine: Engine, call: Call, folder: Path) -> Iterator[Path]:
    """Files of some rows each. The first has the names of the columns, even when there are no rows."""
    import pyarrow as pa

    with engine.connect() as opened:
        connection = opened.execution_options(stream_results=True, max_row_buffer=_ROWS, no_parameters=True)
        result = connection.exec_driver_sql(call.query)
        if not result.returns_rows:
            raise StepError("the query gives no rows at all; expected a SELECT")
        names = _checked(list(result.keys()))
        for number, rows in enumerate(_partitions(result)):
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
            table = pa.table({name: _array(values) for name, values in zip(names, columns, strict=True)})
            path = folder / f"{number:06}.arrow"
            with pa.ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)
            if number and number % 10 == 0:
                call.say(f"{number * _ROWS:,} rows so far")
            yield path


def _partitions(result: Any) -> Iterator[Sequence[Any]]:
    """At least one."""
    rows = result.fetchmany(_ROWS)
    while True:
        yield rows
        if not (rows := result.fetchmany(_ROWS)):
            return


def _checked(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StepError(f"the query gives the column {twice[0]!r} more than once; name each with AS")
    return names


def _array(values: Sequence[Any]) -> pa.Array:
    """One type for all; text where they are of several."""
    import pyarrow as pa

    plain = [_plain(value) for value in values]
    try:
        return pa.array(plain)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in plain], pa.string())


def _plain(value: Any) -> Any:
    """What frames have no type for: decimals become numbers, documents JSON, identifiers and times of a day text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    if isinstance(value, UUID | time):
        return str(value)
    return value.tobytes() if isinstance(value, memoryview) else value


def _joined(pieces: list[Path], target: Path) -> Path:
    """One file with the types that fit all pieces."""
    import pyarrow as pa
    from pyarrow import parquet

    schemas = []
    for piece in pieces:
        with pa.ipc.open_file(piece) as reader:
            schemas.append(reader.schema)
    schema = _common(schemas)
    with parquet.ParquetWriter(target, schema) as writer:
        for piece in pieces:
            with pa.ipc.open_file(piece) as reader:
                writer.write_table(reader.read_all().cast(schema))
    return target


def _common(schemas: Sequence[pa.Schema]) -> pa.Schema:
    import pyarrow as pa

    fields = []
    for place, first in enumerate(schemas[0]):
        kinds = {schema.field(place).type for schema in schemas} - {pa.null()}
        fields.append(pa.field(first.name, _common_type(kinds)))
    return pa.schema(fields)


def _common_type(kinds: set[pa.DataType]) -> pa.DataType:
    import pyarrow as pa

    if len(kinds) == 1:
        return next(iter(kinds))
    if not kinds or kinds <= {pa.int64(), pa.float64()}:
        return pa.float64()
    return pa.string()


@contextmanager
def _told(name: str, engine: Engine) -> Iterator[None]:
    """What the database says, as a sentence: without the statement, and with what is temporary told apart."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise StepError(
            f"the database of the connection {name} says: {said}", temporary=_passes(error, engine.dialect.name)
        ) from None
    except SQLAlchemyError as error:
        raise StepError(f"the query cannot be run: {str(error).splitlines()[0]}") from None


def _passes(error: Any, database: str) -> bool:
    """Whether another try may do: the connection failed, rather than the statement."""
    said = str(error.orig).lower()
    state = str(getattr(error.orig, "pgcode", "") or getattr(error.orig, "sqlstate", "") or "")
    if database == "sqlite":
        return "locked" in said or "busy" in said
    if state:
        return state.startswith(_PASSING_STATES)
    refused = type(error.orig).__name__ in ("OperationalError", "InterfaceError")
    return bool(error.connection_invalidated) or (refused and not any(words in said for words in _FOR_GOOD))
