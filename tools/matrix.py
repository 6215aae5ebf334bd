"""`make matrix`: tests of the parts that use Airflow, on Airflow 3.1 and 3.2 with Python 3.10 and 3.13.

Each cell is a virtual environment of its own with the versions of a file in constraints/; the environments stay in
.mlcraft/matrix/ for the next run. Airflow 3.3 is tested by `make test`, with the versions of requirements.lock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from airflow_mlcraft.common.python_environments import find_uv

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / ".mlcraft" / "matrix"
TESTS = ("adapters", "dag", "hooks", "operators", "plugin", "runner", "test_provider.py")
# A browser shows the same pages on each version, and the conformance suite is a test of the newest.
LEFT_OUT = "not browser and not suite and not docker and not tmux and not java and not composer and not registry"
SHORT = "every_airflow"


@dataclass(frozen=True)
class Cell:
    """A version of Python, and the versions of packages that are installed with it."""

    python: str
    constraints: str
    in_short: bool = False
    """Whether it is one of the two that CI runs, which have each version of Airflow and of Python once."""


CELLS = (
    Cell("3.10", "lowest", in_short=True),
    Cell("3.13", "airflow-3.1"),
    Cell("3.10", "airflow-3.2"),
    Cell("3.13", "airflow-3.2", in_short=True),
)


def main() -> None:
    """Install and test one cell after the other; the exit code is 1 when one of them failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--short",
        action="store_true",
        help=f"only the tests marked {SHORT}, as CI runs them (the contracts among them)",
    )
    options.add_argument("--only", default="", help="cells whose constraints or Python contain this text: lowest, 3.13")
    options.add_argument("--jobs", default="auto", help="processes of pytest (auto: one for each core)")
    options.add_argument("arguments", nargs="*", help="arguments of pytest, after --: -- -k links")
    arguments = options.parse_args()
    chosen = [
        cell
        for cell in CELLS
        if arguments.only in describe(cell) and (cell.in_short or arguments.only or not arguments.short)
    ]
    if not chosen:
        options.error(f"no cell contains {arguments.only!r}; there are {', '.join(map(describe, CELLS))}")
    results = [run_cell(cell, arguments.short, arguments.jobs, arguments.arguments) for cell in chosen]
    print(*results, sep="\n")
    sys.exit(any("failed" in result for result in results))


def describe(cell: Cell) -> str:
    return f"{cell.constraints} with Python {cell.python}"


def run_cell(cell: Cell, short: bool, jobs: str, more: list[str]) -> str:
    """Install the package with the cell's versions, and run the tests. Returns the line that says how it ended."""
    python, note = find_python(cell.python)
    started = time.monotonic()
    interpreter = install(cell, python)
    marks = f"{LEFT_OUT} and {SHORT}" if short else LEFT_OUT
    command = [interpreter, "-m", "pytest", "-n", jobs, "--dist", "worksteal", "-q", "-m", marks, *more]
    done = subprocess.run([*command, *(f"tests/{name}" for name in TESTS)], cwd=PROJECT, check=False)
    ended = "passed" if done.returncode == 0 else "failed"
    versions = installed_versions(interpreter)
    return f"{describe(cell)}{note}: {ended} in {time.monotonic() - started:.0f} s ({versions})"


def find_python(wanted: str) -> tuple[str, str]:
    """An interpreter of a version; where there is none, the one that runs this, and a note that says so."""
    shims = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder.endswith("shims")]
    candidates = [str(each) for folder in shims for each in folder.parent.glob(f"versions/{wanted}.*/bin/python")]
    for candidate in (*candidates, shutil.which(f"python{wanted}") or ""):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate, ""
    return sys.executable, f" (there is no Python {wanted} here: {sys.version.split()[0]})"


def install(cell: Cell, python: str) -> str:
    """Create the cell's environment, or bring it up to date. Returns its interpreter."""
    environment = FOLDER / f"{cell.constraints}-{cell.python}"
    interpreter = str(environment / "bin" / "python")
    if not environment.exists():
        subprocess.run([find_uv(), "venv", "--quiet", "--python", python, environment], check=True)
    packages = ["--editable", f"{PROJECT}[all]", "--group", f"{PROJECT / 'pyproject.toml'}:test"]
    constraints = PROJECT / "constraints" / f"{cell.constraints}.txt"
    subprocess.run(
        [find_uv(), "pip", "install", "--quiet", "--python", interpreter, *packages, "--constraint", constraints],
        check=True,
        cwd=PROJECT,
    )
    return interpreter


def installed_versions(interpreter: str) -> str:
    program = (
        "from importlib.metadata import version\n"
        "print(*(f'{name} {version(name)}' for name in ('apache-airflow', 'cwltool', 'mlflow', 'dvc', 'scikit-learn')),"
        " sep=', ')"
    )
    return subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
