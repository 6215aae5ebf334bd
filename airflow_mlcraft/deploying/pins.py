"""The pinned packages of an image: those that serving needs, in the versions that the model was trained with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from airflow_mlcraft.common import python_environments
from airflow_mlcraft.common.extras import DISTRIBUTION
from airflow_mlcraft.deploying.base_image import BaseImage
from airflow_mlcraft.deploying.build_context import ImageRecipe
from airflow_mlcraft.deploying.errors import DeployingError

_SERVING_PACKAGES = (
    "fastapi",
    "httptools",
    "numpy",
    "orjson",
    "pandas",
    "prometheus-client",
    "ruamel.yaml",
    "scikit-learn",
    "skops",
    "threadpoolctl",
    "uvicorn",
    "uvloop",
)
"""What `python -m airflow_mlcraft.serving` imports; uv adds their dependencies."""
_TRAINING_PACKAGES = ("mlflow", "mlflow-skinny", DISTRIBUTION)
"""Packages in a model's requirements that serving does not need."""


def compile_requirements(recipe: ImageRecipe, base: BaseImage, folder: Path) -> str:
    """The image's requirements.txt with hashes, for the Python and platform of the base image."""
    requirements = folder / "wanted.txt"
    requirements.write_text(
        "\n".join([*recipe.requirements, *_list_model_requirements(recipe), *_list_serving_requirements()]) + "\n",
        "utf-8",
    )
    constraints = folder / "versions.txt"
    constraints.write_text("\n".join(_list_constraints(recipe)) + "\n", "utf-8")
    pins = folder / "pins.txt"
    command = ["compile", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--generate-hashes", "--constraints", str(constraints), *_platform_options(base)]
    try:
        _compile_offline_first([*command, str(requirements), "--output-file", str(pins)])
    except python_environments.UvError as error:
        hint = _explain_other_python(recipe, base)
        raise DeployingError(
            f"the packages that the model was made with cannot be had for {base.name}{hint}: {error}",
            "name another base image with --base, or train again",
        ) from None
    return pins.read_text("utf-8")


def _explain_other_python(recipe: ImageRecipe, base: BaseImage) -> str:
    """A hint for the error message if the base image has another Python than the model."""
    model_python = read_python_version(recipe.model)
    if model_python == ".".join(base.python.split(".")[:2]):
        return ""
    return f" (the model was made with Python {model_python}, and {base.name} has {base.python})"


def _compile_offline_first(command: list[str]) -> None:
    """Run uv offline first: all versions are given, and uv's cache may have them."""
    try:
        _uv([*command, "--offline"])
    except python_environments.UvError:
        _uv(command)


def install_packages(pins: Path, base: BaseImage, folder: Path) -> None:
    """Install the pinned packages into a folder, as wheels only, so that none of their code runs."""
    command = ["install", "--target", str(folder), "--no-deps", "--require-hashes", *_platform_options(base)]
    try:
        _uv([*command, "--requirement", str(pins)])
    except python_environments.UvError as error:
        raise DeployingError(f"the packages of the image cannot be had: {error}") from None


def read_python_version(model: Path) -> str:
    """The Python version of a model's python_env.yaml, such as 3.13; empty if it has none."""
    path = model / "python_env.yaml"
    found = re.search(r"^python:\s*['\"]?(\d+\.\d+)", path.read_text("utf-8"), re.MULTILINE) if path.is_file() else None
    return found.group(1) if found else ""


def _list_model_requirements(recipe: ImageRecipe) -> list[str]:
    """The model's own requirements beyond those of the server, such as lightgbm."""
    listed = python_environments.read_requirements(recipe.model / "requirements.txt")
    known = {*_SERVING_PACKAGES, *_TRAINING_PACKAGES, *map(_normalize_name, recipe.requirements)}
    return [line for line in listed if _normalize_name(line) not in known]


def _list_constraints(recipe: ImageRecipe) -> list[str]:
    """The versions of the project's environment, or those of the model's requirements.txt where it names others."""
    listed = python_environments.read_requirements(recipe.model / "requirements.txt")
    of_model = [line for line in listed if "==" in line and _normalize_name(line) not in _TRAINING_PACKAGES]
    known = {_normalize_name(line) for line in of_model}
    frozen = _uv(["freeze", "--exclude-editable", "--python", str(recipe.python)]).splitlines()
    return [*of_model, *(line for line in frozen if "==" in line and _normalize_name(line) not in known)]


def _list_serving_requirements() -> list[str]:
    declared = python_environments.declared_requirements()
    return [str(declared.get(_normalize_name(name), name)) for name in _SERVING_PACKAGES]


def _normalize_name(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[@]", line, maxsplit=1)[0]).lower()


def _platform_options(base: BaseImage) -> list[str]:
    return ["--only-binary", ":all:", "--python-version", base.python, "--python-platform", base.platform]


def _uv(arguments: Sequence[str]) -> str:
    return python_environments.run_uv(["pip", *arguments])
