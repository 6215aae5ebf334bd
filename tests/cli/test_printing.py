"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from airflow_mlcraft.cli.printing import format_score


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0.97902, "0.9790"),
        (-0.5, "-0.5000"),
        (999.99, "999.9900"),
        (1234.56, "1,234.6"),
        (68310.4, "68,310"),
        (3.788e5, "378,800"),
        (-4.2e9, "-4,200,000,000"),
        (1e18, "1e+18"),
        (math.inf, "inf"),
    ],
)
def test_a_score(value: float | None, shown: str) -> None:
    assert format_score(value) == shown
