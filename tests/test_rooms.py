"""Which part of the package may import which: the contracts are in pyproject.toml, the rest is here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp

PROJECT = Path(__file__).parents[1]
HEAVY = (
    "cwltool",
    "mlflow",
    "dvc",
    "dvc_data",
    "pandas",
    "sklearn",
    "airflow.providers.standard.operators.python",
    "airflow.providers.standard.operators.hitl",
)


def test_rooms() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_files_import_each_other() -> None:
    graph = grimp.build_graph("airflow_mlcraft", exclude_type_checking_imports=True, cache_dir=None)
    loops = [
        (importer, imported)
        for importer in sorted(graph.modules)
        for imported in graph.find_modules_directly_imported_by(importer)
        if graph.chain_exists(importer=imported, imported=importer)
    ]
    assert loops == []


def test_parsing_a_dag_file_loads_nothing_heavy(tmp_path: Path) -> None:
    """The plan is in the cache by then: a first process puts it there."""
    program = (
        "import sys; from airflow_mlcraft import load_cwl_dags; load_cwl_dags(globals(), sys.argv[1]);"
        "print([name for name in globals() if name.startswith('cwl_dag_')]);"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", program, str(PROJECT / "cwl")]
    for _ in range(2):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    dags, loaded = done.stdout.splitlines()[-2:]
    assert "cwl_dag_workflows.text_statistics" in dags
    assert loaded == "[]"
