"""Opening of Parquet files, and translation of Arrow's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import StepError
from airflow_mlcraft.ml.data.text_values import check_unique_names

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile


@contextmanager
def translate_write_errors(what: str) -> Iterator[None]:
    """Raise Arrow's errors about values that it cannot write as `StepError`."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise StepError(
            f"{what} cannot be written: {' '.join(str(error).split())}; each column needs values of one type"
        ) from error


@contextmanager
def open_parquet(path: Path) -> Iterator[ParquetFile]:
    """Open a file; errors in its content, also while it is read, are raised as `StepError`."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            check_unique_names(path.name, file.schema_arrow.names)
            yield file
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        message = (str(error).splitlines() or [type(error).__name__])[0]
        raise StepError(f"{path.name} is a broken Parquet file: {message}; fetch it again") from None
