"""The extras: what each brings, and what is said when one is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import tomlkit

from airflow_mlcraft.common import extras

PROJECT = Path(__file__).parents[2]


def test_each_package_is_named_by_the_extra_that_brings_it() -> None:
    declared = tomlkit.parse((PROJECT / "pyproject.toml").read_text()).unwrap()["project"]["optional-dependencies"]
    distributions = packages_distributions()
    for package, extra in extras.EXTRA_BY_PACKAGE.items():
        brought = {re.split(r"[\s<>=!;\[]", line)[0] for line in declared[extra]}
        # joblib, numpy and scipy come with scikit-learn, botocore with boto3.
        through = {"joblib": "scikit-learn", "numpy": "scikit-learn", "scipy": "scikit-learn", "botocore": "boto3"}
        names = {through.get(package, name.replace("_", "-")) for name in distributions[package]}
        assert names & brought, (package, extra)


def hide_packages(*packages: str) -> str:
    """A script that runs the module of its first argument as if these packages were not installed."""
    return (
        "import sys, runpy, importlib.util as util, importlib.metadata as metadata\n"
        f"hidden = {packages!r}\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in hidden:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "real, real_version = util.find_spec, metadata.version\n"
        "util.find_spec = lambda name, package=None: None if name in hidden else real(name, package)\n"
        "def version(name):\n"
        "    if name in hidden:\n"
        "        raise metadata.PackageNotFoundError(name)\n"
        "    return real_version(name)\n"
        "metadata.version = version\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    )


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [
        (["-m", "airflow_mlcraft.steps.command", "split", "--data", "table.csv"], "pandas", "ml"),
        (["-m", "airflow_mlcraft.serving", "--model", "."], "orjson", "serve"),
        (["-m", "airflow_mlcraft.cli.cwl_runner", "--provenance=crate", "TOOL"], "rocrate", "provenance"),
        (["-m", "airflow_mlcraft.cli.main", "ui"], "mlflow", "tracking"),
    ],
)
def test_a_missing_extra_is_a_sentence(tmp_path: Path, command: list[str], package: str, extra: str) -> None:
    """The package is hidden from a new process, as if it was not installed."""
    (tmp_path / "table.csv").write_text("a,b\n1,2\n3,4\n")
    hide = hide_packages(package)
    echo = str(PROJECT / "tests" / "documents" / "echo.cwl")
    arguments = [echo if part == "TOOL" else part for part in command[1:]]
    done = subprocess.run(
        [sys.executable, "-c", hide, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"the package {package} is not installed here" in done.stderr
    assert f"pip install 'airflow-provider-mlcraft[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_names_the_extras_that_are_missing(tmp_path: Path) -> None:
    """With the package alone CWL documents run, so this is no failure."""
    hidden = hide_packages("docker", "dvc", "mlflow", "pandas", "scikit-learn")
    command = [sys.executable, "-c", hidden, "airflow_mlcraft.cli.main", "doctor", "--json"]
    environment = {**os.environ, "MLCRAFT_PROJECTS": str(tmp_path / "none")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert found["packages"]["state"] == found["Docker"]["state"] == "warning"
    assert "without mlflow, dvc, scikit-learn, pandas" in found["packages"]["found"]
    assert "pip install 'airflow-provider-mlcraft[dvc,ml,tracking]'" in found["packages"]["remedy"]
    assert "pip install 'airflow-provider-mlcraft[docker]'" in found["Docker"]["remedy"]
    assert "Node" in found
