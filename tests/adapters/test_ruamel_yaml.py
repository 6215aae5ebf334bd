"""How a number was written in YAML."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from airflow_mlcraft.adapters.internals import RUAMEL_YAML
from airflow_mlcraft.adapters.ruamel_yaml import has_exponent
from tests.adapters.attributes import assert_attribute


@pytest.mark.parametrize("text", ["1.5", "1.23e5"])
def test_a_number_has_the_attribute(text: str) -> None:
    assert_attribute(RUAMEL_YAML, YAML().load(text), "_exp")


@pytest.mark.parametrize(
    ("text", "expected"), [("1.23e5", True), ("1.0E-5", True), ("123000.0", False), ("1.5", False)]
)
def test_numbers_with_an_exponent(text: str, expected: bool) -> None:
    assert has_exponent(YAML().load(text)) is expected
