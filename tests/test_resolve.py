"""What a user's `pip install` resolves to, without the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RESOLVE = Path(__file__).parents[1] / "tools" / "resolve.py"


@pytest.mark.registry
def test_what_resolves_without_the_lock_runs_a_document() -> None:
    done = subprocess.run([sys.executable, RESOLVE], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "count_lines ran through Airflow" in done.stdout
