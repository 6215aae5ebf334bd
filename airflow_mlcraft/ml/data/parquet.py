"""Parquet files, opened and checked."""

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
    """Arrow's complaint about values that it cannot write as a sentence."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise StepError(
            f"{what} cannot be written: {' '.join(str(error).split())}; each column needs values of one type"
        ) from error


@contextmanager
def open_parquet(path: Path) -> Iterator[ParquetFile]:
    """An open file. What is wrong with its bytes, found now or while it is read, is a sentence."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            check_unique_names(path.name, file.schema_arrow.names)
            yield file
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise StepError(f"{path.name} is a broken Parquet file: {told}; fetch it again") from None
