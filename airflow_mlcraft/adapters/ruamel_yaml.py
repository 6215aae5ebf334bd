"""Internals of ruamel.yaml: how a number was written."""

from __future__ import annotations

from ruamel.yaml.scalarfloat import ScalarFloat


def has_exponent(number: ScalarFloat) -> bool:
    """Whether a number was written with an exponent, as 1.23e5."""
    return number._exp is not None  # type: ignore[attr-defined]
