"""Brings the data: `retrieve` gets the sources that mlcraft.toml names, and gives one table."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd


def retrieve(sources: list[str], fetch: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """`fetch` reads a source: an address, a path, sklearn:NAME. Read others as you like; os.environ has the keys."""
    return pd.concat([fetch(source) for source in sources], ignore_index=True)
