"""What a user's `pip install` resolves to, without the lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlcraft.common.python_environments import find_uv

PROJECT = Path(__file__).parents[1]
RESOLVE = PROJECT / "tools" / "resolve.py"


@pytest.mark.registry
def test_what_resolves_without_the_lock_runs_a_document() -> None:
    done = subprocess.run([sys.executable, RESOLVE], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "count_lines ran through Airflow" in done.stdout


@pytest.mark.registry
@pytest.mark.parametrize("airflow", ["3.1", "3.2", "3.3"])
def test_the_base_changes_no_package_of_airflow(tmp_path: Path, airflow: str) -> None:
    """What Airflow alone resolves to is a constraint that the package without extras can be installed with."""
    alone, both = tmp_path / "airflow.txt", tmp_path / "both.txt"
    (tmp_path / "requirements.in").write_text(f"apache-airflow~={airflow}.0\n")
    compile_requirements(tmp_path / "requirements.in", alone)
    compile_requirements(PROJECT / "pyproject.toml", both, "--constraint", str(alone))
    assert read_versions(alone).items() <= read_versions(both).items()


def compile_requirements(source: Path, target: Path, *options: str) -> None:
    command = [find_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--output-file", str(target)]
    done = subprocess.run([*command, *options, str(source)], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr


def read_versions(path: Path) -> dict[str, str]:
    return dict(line.split("==", 1) for line in path.read_text().splitlines() if "==" in line)
