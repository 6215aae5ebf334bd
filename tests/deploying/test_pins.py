"""The pinned packages of an image. uv needs the package index if its cache lacks them."""

from __future__ import annotations

import platform
import re
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from airflow_mlcraft.deploying.base_image import BaseImage
from airflow_mlcraft.deploying.errors import DeployingError
from airflow_mlcraft.deploying.pins import compile_requirements, read_python_version
from airflow_mlcraft.project.build import build_recipe
from airflow_mlcraft.project.project_paths import Project

pytestmark = pytest.mark.registry
BASE = BaseImage("python:slim", "sha256:0", "", platform.python_version(), f"{platform.machine()}-manylinux_2_36")


def names(pins: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", pins, re.MULTILINE))


def test_serving_packages_only(project: Project, tmp_path: Path) -> None:
    text = compile_requirements(build_recipe(project), BASE, tmp_path)
    found = names(text)
    assert {"fastapi", "numpy", "orjson", "pandas", "scikit-learn", "skops", "uvicorn", "uvloop"} <= set(found)
    assert not {"apache-airflow", "boto3", "dvc", "matplotlib", "mlflow", "pyarrow", "airflow-provider-mlcraft"} & set(
        found
    )
    assert {name: version(name) for name in found} == found, "as they are installed here, where the model was made"
    assert text.count("--hash=sha256:") >= len(found)
    assert compile_requirements(build_recipe(project), BASE, tmp_path) == text


def test_requirements_of_the_project(project: Project, tmp_path: Path) -> None:
    recipe = replace(build_recipe(project), requirements=("click",))
    assert names(compile_requirements(recipe, BASE, tmp_path))["click"] == version("click")


def test_requirements_of_the_model(project: Project, tmp_path: Path) -> None:
    """Boosters and the user's own packages, in the versions of training."""
    wanted = project.champion / "requirements.txt"
    wanted.write_text(wanted.read_text() + f"lightgbm=={version('lightgbm')}\n")
    assert names(compile_requirements(build_recipe(project), BASE, tmp_path))["lightgbm"] == version("lightgbm")


def test_versions_of_the_model_take_precedence(project: Project, tmp_path: Path) -> None:
    """The model's requirements.txt counts, whatever was installed since."""
    wanted = project.champion / "requirements.txt"
    wanted.write_text(re.sub(r"skops==.*", "skops==0.0.1", wanted.read_text()))
    with pytest.raises(DeployingError, match=r"cannot be had for python:slim: .*skops.*; name another base image"):
        compile_requirements(build_recipe(project), BASE, tmp_path)


def test_the_python_of_a_model(project: Project) -> None:
    assert read_python_version(project.champion) == ".".join(map(str, sys.version_info[:2]))
    (project.champion / "python_env.yaml").unlink()
    assert read_python_version(project.champion) == ""
