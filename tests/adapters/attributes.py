"""Internal attributes that exist on objects alone, so that no path leads to them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from airflow_mlcraft.adapters.contract import Library


def assert_attribute(library: Library, value: Any, name: str) -> None:
    """Fail with the name of the attribute, the version of the library, and the adapter that reads it."""
    found = f"{library.distribution} {version(library.distribution)}: an object of {type(value).__qualname__}"
    assert hasattr(value, name), f"{found} has no {name}, which {library.adapter} uses; tested are {library.tested}"
