"""A data file as a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def read_frame(path: Path, format: str = "auto") -> pd.DataFrame:  # noqa: A002
    """The frame in a file of CSV, JSON, JSON lines, Parquet or text."""
    import pandas as pd

    with path.open("rb") as handle:
        head = handle.read(4096)
    if head.startswith(b"PAR1") or format == "parquet":
        return pd.read_parquet(path)
    start = head.lstrip()[:1]
    if format in ("json", "jsonl") or start in (b"{", b"["):
        return pd.read_json(path, lines=format == "jsonl" or start == b"{")
    return pd.read_csv(path, float_precision="round_trip")
