"""Documents with one mistake each: every one is compiled, or refused with a sentence and a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.mutations import SEED, mutations, refusal_of

MANY = 120
"""`python -m bench.mutations` makes as many as one likes."""


@pytest.mark.suite
def test_no_mistake_ends_in_an_exception_or_without_a_line(cwl_suite: Path) -> None:
    bad = [
        f"{mutation.path.name}: {mutation.what}: {why}"
        for mutation in mutations(cwl_suite / "tests", MANY, SEED)
        if (why := refusal_of(mutation))
    ]
    assert not bad, "\n".join(bad)
