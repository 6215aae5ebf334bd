"""Table in a temporary folder: stored by batches, read by column or in batches, and written in another order.

Only a single column, and a few numbers for each row, are in memory as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from airflow_mlcraft.ml.data import batches
from airflow_mlcraft.ml.data.parquet import translate_write_errors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

_MAX_FILES = 256


Prepare = Callable[["pd.DataFrame", "NDArray[np.intp]"], "pd.DataFrame"]


class ColumnTable(Protocol):
    """A table that is read column by column, such as a data frame."""

    @property
    def columns(self) -> Any: ...

    def __len__(self) -> int: ...

    def __getitem__(self, name: Any, /) -> Any: ...


class TableOnDisk:
    """Rows in files of a folder, a file for each batch."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._files: list[Path] = []
        self._rows = 0
        self._last: tuple[str, pd.Series] | None = None
        self.columns: list[str] = []

    def add(self, frame: pd.DataFrame) -> None:
        """Add rows with the same columns."""
        from pyarrow import feather

        path = self._folder / f"piece-{len(self._files)}.arrow"
        feather.write_feather(_to_arrow(frame), str(path), compression="lz4")
        self._files.append(path)
        self._rows += len(frame)
        self.columns = [str(name) for name in frame.columns]

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str, /) -> pd.Series:
        """One column of all rows."""
        import pyarrow as pa
        from pyarrow import feather

        if self._last is None or self._last[0] != name:
            self._last = None
            parts = [feather.read_table(str(path), columns=[name], memory_map=False) for path in self._files]
            with translate_write_errors(f"the column {name!r}"):
                table = pa.concat_tables(parts, promote_options="permissive")
            self._last = name, _to_pandas(table)[name]
        return self._last[1]

    def frames(self) -> Iterator[pd.DataFrame]:
        """The batches, in the order in which they were added."""
        from pyarrow import feather

        for path in self._files:
            yield _to_pandas(feather.read_table(str(path), memory_map=False))


class TableInMemory:
    """A frame in memory with the interface of `TableOnDisk`."""

    def __init__(self, frame: pd.DataFrame):
        self.frame = frame
        self.columns = list(frame.columns)

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, name: str, /) -> pd.Series:
        values: pd.Series = self.frame[name]
        return values

    def frames(self) -> Iterator[pd.DataFrame]:
        """Batches of the frame."""
        for start in range(0, len(self.frame), batches.BATCH_ROWS):
            yield self.frame.iloc[start : start + batches.BATCH_ROWS]


class TableView:
    """A view of some columns and rows of a table. `places` are the positions of the rows, in order; None means all."""

    def __init__(self, table: ColumnTable, columns: Sequence[str], places: NDArray[np.intp] | None = None):
        self._table = table
        self._places = places
        self.columns = list(columns)

    def __len__(self) -> int:
        return len(self._table) if self._places is None else len(self._places)

    def __getitem__(self, name: str, /) -> pd.Series:
        values: pd.Series = self._table[name]
        return values if self._places is None else values.iloc[self._places]


class OrderedRows:
    """Rows of a table in an order of their own, stored in files that each hold a range of that order."""

    def __init__(self, order: NDArray[np.intp], rows: int, folder: Path, name: str):
        self._ranks = np.full(rows, -1, dtype=np.int64)
        self._ranks[order] = np.arange(len(order))
        self._size = max(batches.BATCH_ROWS, -(-len(order) // _MAX_FILES))
        self._count = len(order)
        self._folder, self._name = folder, name
        self._ranks_of: dict[int, list[NDArray[np.int64]]] = {}
        self._schemas: dict[bytes, pa.Schema] = {}

    def add(self, frame: pd.DataFrame, start: int, prepare: Prepare | None = None) -> None:
        """Add rows of the table from this position on, of which only those in the order are stored.

        `prepare` gets only these rows, with their positions in the table, so that it cannot depend on other rows.
        """
        import pyarrow as pa

        ranks = self._ranks[start : start + len(frame)]
        positions = np.flatnonzero(ranks >= 0)
        if not len(positions):
            return
        positions = positions[np.argsort(ranks[positions])]
        ranks = ranks[positions]
        rows = frame.iloc[positions]
        table = _to_arrow(rows if prepare is None else prepare(rows, start + positions))
        self._schemas.setdefault(table.schema.serialize().to_pybytes(), table.schema)
        files = ranks // self._size
        for file in np.unique(files).tolist():
            low, high = np.searchsorted(files, (file, file + 1))
            self._ranks_of.setdefault(file, []).append(ranks[low:high])
            with self._path(file).open("ab") as stream, pa.ipc.new_stream(stream, table.schema) as writer:
                writer.write_table(table.slice(low, high - low))

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(next(iter(self._schemas.values())).names)

    def write(self, path: Path) -> None:
        """Write all rows in their order, as Parquet."""
        import pyarrow as pa
        from pyarrow import parquet

        with translate_write_errors(path.name):
            schema = _merge_schemas(list(self._schemas.values()), self._count)
            with parquet.ParquetWriter(path, schema) as writer:
                for file in range(-(-self._count // self._size)):
                    table = pa.concat_tables(self._read_file(file), promote_options="permissive").unify_dictionaries()
                    order = np.argsort(np.concatenate(self._ranks_of.pop(file)))
                    writer.write_table(table.combine_chunks().take(pa.array(order)).cast(schema))

    def _path(self, file: int) -> Path:
        return self._folder / f"{self._name}-{file}.arrows"

    def _read_file(self, file: int) -> list[pa.Table]:
        import pyarrow as pa

        path, found = self._path(file), []
        with pa.OSFile(str(path)) as stream:
            while stream.tell() < stream.size():
                with pa.ipc.open_stream(stream) as reader:
                    found.append(reader.read_all())
        path.unlink()
        return found


def write_ordered(
    table: TableOnDisk | TableInMemory,
    orders: Mapping[str, NDArray[np.intp]],
    folder: Path,
    place: Path,
    prepare: Prepare | None = None,
) -> dict[str, tuple[int, int]]:
    """Write NAME.parquet for each order; returns its number of rows and columns. `place` holds temporary files."""
    parts = {name: OrderedRows(order, len(table), place, name) for name, order in orders.items()}
    start = 0
    for frame in table.frames():
        for part in parts.values():
            part.add(frame, start, prepare)
        start += len(frame)
    for name, part in parts.items():
        part.write(folder / f"{name}.parquet")
    return {name: (len(orders[name]), part.columns) for name, part in parts.items()}


def _to_arrow(frame: pd.DataFrame) -> pa.Table:
    import pyarrow as pa

    with translate_write_errors("a table"):
        return pa.Table.from_pandas(frame.reset_index(drop=True))


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    """The table as a frame, with lists as Python lists."""
    import pyarrow as pa

    frame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            frame[field.name] = table[field.name].to_pylist()
    return frame


def _merge_schemas(schemas: list[pa.Schema], rows: int) -> pa.Schema:
    """One schema for all batches, with the metadata that pandas would write for the whole frame."""
    import pyarrow as pa

    metadata = [schema.pandas_metadata for schema in schemas]
    merged = {
        **metadata[0],
        "index_columns": [{"kind": "range", "name": None, "start": 0, "stop": rows, "step": 1}],
        "columns": [_merge_column_metadata(same) for same in zip(*(one["columns"] for one in metadata), strict=True)],
    }
    without_metadata = [schema.remove_metadata() for schema in schemas]
    found = pa.unify_schemas(without_metadata, promote_options="permissive")
    return found.with_metadata({b"pandas": json.dumps(merged).encode()})


def _merge_column_metadata(same_columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Merge the metadata of a column: a batch without values has no type, and one with missing values another type."""
    typed = [one for one in same_columns if one["pandas_type"] != "empty"] or list(same_columns)
    return next((one for one in typed if one["numpy_type"] == "object"), typed[0])
