"""Variables that are set for a while."""

from __future__ import annotations

import os

import pytest

from airflow_mlcraft.common.environment_variables import set_variables


def test_all_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLCRAFT_OLD", "before")
    monkeypatch.delenv("MLCRAFT_NEW", raising=False)
    with pytest.raises(ValueError, match="meanwhile"), set_variables({"MLCRAFT_OLD": "now", "MLCRAFT_NEW": "now"}):
        assert os.environ["MLCRAFT_OLD"] == os.environ["MLCRAFT_NEW"] == "now"
        raise ValueError("meanwhile")
    assert os.environ["MLCRAFT_OLD"] == "before"
    assert "MLCRAFT_NEW" not in os.environ
