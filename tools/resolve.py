"""`make resolve`: installation of the package without the lock, and a run of a document with it.

A user's `pip install` takes the newest versions that the bounds in pyproject.toml allow, and the tests use the lock.
The new environment is removed again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from airflow_mlcraft.common.python_environments import find_uv

PROJECT = Path(__file__).parents[1]
DOCUMENT = PROJECT / "tests" / "documents" / "count_lines"
# The pages of the web UI are copied as built; without ui/ they are not built again.
SOURCES = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "airflow_mlcraft", "cwl")
PRINTED_PACKAGES = (
    "apache-airflow",
    "fastapi",
    "pydantic",
    "starlette",
    "sqlalchemy",
    "mlflow",
    "dvc",
    "cwltool",
    "pandas",
)
CONFLICTS_SCRIPT = """
from airflow_mlcraft.project.version_conflicts import find_version_conflicts
print(*find_version_conflicts(), sep="\\n")
"""
EXPECTED_COUNT = 3


def main() -> None:
    """Resolve, install, look for conflicts, run; the exit code is 1 at the first that fails."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", default=sys.executable, help="the interpreter of the new environment")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlcraft-resolve-") as folder:
        environment = install(Path(folder), arguments.python)
        check_versions(environment)
        run_document(environment, Path(folder))


def install(folder: Path, python: str) -> Path:
    """Create a virtual environment with the package and its requirements."""
    source, environment = folder / "source", folder / "environment"
    source.mkdir()
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(PROJECT / name, source / name)
    call([find_uv(), "venv", "--quiet", "--python", python, str(environment)])
    interpreter = str(environment / "bin" / "python")
    call([find_uv(), "pip", "install", "--quiet", "--python", interpreter, f"{source}[all]"])
    return environment


def check_versions(environment: Path) -> None:
    """Print the installed versions; SystemExit if they violate a requirement."""
    listed = call([find_uv(), "pip", "list", "--format=json", "--python", str(environment / "bin" / "python")])
    versions = {one["name"]: one["version"] for one in json.loads(listed)}
    print(
        "Resolved without the lock:", ", ".join(f"{name} {versions.get(name, 'missing')}" for name in PRINTED_PACKAGES)
    )
    if conflicts := call([str(environment / "bin" / "python"), "-c", CONFLICTS_SCRIPT]).strip():
        raise SystemExit(f"These versions do not fit together:\n{conflicts}")


def run_document(environment: Path, folder: Path) -> None:
    """Run a small workflow through the embedded Airflow of that environment."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    command = [
        str(environment / "bin" / "mlcraft-cwl-runner"),
        f"--outdir={folder / 'outputs'}",
        str(DOCUMENT / "count_lines.cwl"),
        str(DOCUMENT / "job.yml"),
    ]
    outputs: dict[str, Any] = json.loads(call(command, {**variables, "MLCRAFT_HOME": str(folder / "home")}))
    if outputs.get("count") != EXPECTED_COUNT:
        raise SystemExit(f"{DOCUMENT / 'count_lines.cwl'} gave {outputs}; expected a count of {EXPECTED_COUNT}")
    print(f"{DOCUMENT.name} ran through Airflow: {EXPECTED_COUNT} lines.")


def call(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a command. Returns its stdout; a failure ends this program with the output."""
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{process.stdout}{process.stderr}")
    return process.stdout


if __name__ == "__main__":
    main()
