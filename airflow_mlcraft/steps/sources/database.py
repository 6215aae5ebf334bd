"""Result of a SQL query, read in batches through SQLAlchemy into Parquet."""

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
from airflow_mlcraft.steps.sources.source import Retrieval

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Engine

_BATCH_ROWS = 20_000
_DRIVERS = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mssql": "mssql+pyodbc",
}
_PERMANENT = ("authentication", "password", "does not exist", "denied", "unknown database", "no such", "unable to open")
_TRANSIENT_STATES = ("08", "40", "53", "57")


def write_query_result(retrieval: Retrieval, folder: Path) -> Path:
    """Write the result of the query as Parquet, and return its path."""
    if not retrieval.query.strip():
        raise StepError("the source sql needs --query, the statement whose rows are wanted")
    connection = retrieval.open_connection()
    if connection is None:
        raise StepError("the source sql needs --connection, the name of the connection to the database")
    engine = _engine(connection.uri, retrieval.connection)
    try:
        with TemporaryDirectory(dir=folder) as name, _translate_errors(retrieval.connection, engine):
            batches = list(_write_batches(engine, retrieval, Path(name)))
            return _merge_batches(batches, folder / "query.parquet")
    finally:
        engine.dispose()


def _engine(uri: str, name: str) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    scheme = uri.partition("://")[0]
    try:
        return create_engine(_to_sqlalchemy_url(uri))
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


def _to_sqlalchemy_url(uri: str) -> str:
    """The URL for SQLAlchemy of an Airflow connection, whose URI may have a file as its host, and `__extra__`."""
    scheme, colons, rest = uri.partition("://")
    place, mark, query = rest.partition("?")
    pairs = [pair for pair in query.split("&") if pair and not pair.startswith("__extra__=")]
    if scheme == "sqlite" and place and not place.startswith("/"):
        place = f"/{unquote(place).rstrip('/')}"
    return f"{_DRIVERS.get(scheme, scheme)}{colons}{place}{mark if pairs else ''}{'&'.join(pairs)}"


def _write_batches(engine: Engine, retrieval: Retrieval, folder: Path) -> Iterator[Path]:
    """Write the rows in files of one batch each. The first has the column names, even if there are no rows."""
    import pyarrow as pa

    with engine.connect() as open_connection:
        connection = open_connection.execution_options(
            stream_results=True, max_row_buffer=_BATCH_ROWS, no_parameters=True
        )
        result = connection.exec_driver_sql(retrieval.query)
        if not result.returns_rows:
            raise StepError("the query gives no rows at all; expected a SELECT")
        names = _check_unique(list(result.keys()))
        for number, rows in enumerate(_fetch_batches(result)):
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
            table = pa.table({name: _array(values) for name, values in zip(names, columns, strict=True)})
            path = folder / f"{number:06}.arrow"
            with pa.ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)
            if number and number % 10 == 0:
                retrieval.log(f"{number * _BATCH_ROWS:,} rows so far")
            yield path


def _fetch_batches(result: Any) -> Iterator[Sequence[Any]]:
    """Batches of rows; at least one, which may be empty."""
    rows = result.fetchmany(_BATCH_ROWS)
    while True:
        yield rows
        if not (rows := result.fetchmany(_BATCH_ROWS)):
            return


def _check_unique(names: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StepError(f"the query gives the column {twice[0]!r} more than once; name each with AS")
    return names


def _array(values: Sequence[Any]) -> pa.Array:
    """An array of one type; of text if the values have several types."""
    import pyarrow as pa

    converted = [_to_arrow_value(value) for value in values]
    try:
        return pa.array(converted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in converted], pa.string())


def _to_arrow_value(value: Any) -> Any:
    """A value in a type that frames have: decimals as numbers, documents as JSON, UUIDs and times of day as text."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    if isinstance(value, UUID | time):
        return str(value)
    return value.tobytes() if isinstance(value, memoryview) else value


def _merge_batches(batches: list[Path], target: Path) -> Path:
    """Write one file whose column types fit all batches."""
    import pyarrow as pa
    from pyarrow import parquet

    schemas = []
    for batch in batches:
        with pa.ipc.open_file(batch) as reader:
            schemas.append(reader.schema)
    schema = _common_schema(schemas)
    with parquet.ParquetWriter(target, schema) as writer:
        for batch in batches:
            with pa.ipc.open_file(batch) as reader:
                writer.write_table(reader.read_all().cast(schema))
    return target


def _common_schema(schemas: Sequence[pa.Schema]) -> pa.Schema:
    import pyarrow as pa

    fields = []
    for place, first in enumerate(schemas[0]):
        types = {schema.field(place).type for schema in schemas} - {pa.null()}
        fields.append(pa.field(first.name, _common_type(types)))
    return pa.schema(fields)


def _common_type(types: set[pa.DataType]) -> pa.DataType:
    import pyarrow as pa

    if len(types) == 1:
        return next(iter(types))
    if not types or types <= {pa.int64(), pa.float64()}:
        return pa.float64()
    return pa.string()


@contextmanager
def _translate_errors(name: str, engine: Engine) -> Iterator[None]:
    """Raise errors of the database as `StepError`: without the statement, and temporary if another try may succeed."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        message = " ".join(str(error.orig).split())
        raise StepError(
            f"the database of the connection {name} says: {message}",
            temporary=_is_transient(error, engine.dialect.name),
        ) from None
    except SQLAlchemyError as error:
        raise StepError(f"the query cannot be run: {str(error).splitlines()[0]}") from None


def _is_transient(error: Any, database: str) -> bool:
    """Whether another try may succeed: the connection failed rather than the statement."""
    message = str(error.orig).lower()
    state = str(getattr(error.orig, "pgcode", "") or getattr(error.orig, "sqlstate", "") or "")
    if database == "sqlite":
        return "locked" in message or "busy" in message
    if state:
        return state.startswith(_TRANSIENT_STATES)
    is_operational = type(error.orig).__name__ in ("OperationalError", "InterfaceError")
    return bool(error.connection_invalidated) or (is_operational and not any(words in message for words in _PERMANENT))
