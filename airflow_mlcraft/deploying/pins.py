"""The packages of an image: what serving needs, in the versions that the model was made with, hash by hash."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from airflow_mlcraft.common import python_environments
from airflow_mlcraft.deploying.base_image import Base
from airflow_mlcraft.deploying.build_context import Recipe
from airflow_mlcraft.deploying.errors import DeployingError

_DISTRIBUTION = "airflow-provider-mlcraft"
_OF_SERVING = (
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
"""What `python -m airflow_mlcraft.serving` imports; what these need comes along."""
_OF_TRAINING = ("mlflow", "mlflow-skinny", _DISTRIBUTION)
"""What a model says it was made with, and is not served with."""


def pinned(recipe: Recipe, base: Base, folder: Path) -> str:
    """requirements.txt of the image, with hashes. The same packages at any time, for the base's Python and platform."""
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join([*recipe.requirements, *_of_model(recipe), *_with_bounds()]) + "\n", "utf-8")
    versions = folder / "versions.txt"
    versions.write_text("\n".join(_versions(recipe)) + "\n", "utf-8")
    made = folder / "pins.txt"
    command = ["compile", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--generate-hashes", "--constraints", str(versions), *_for(base)]
    try:
        _compile([*command, str(wanted), "--output-file", str(made)])
    except python_environments.UvError as error:
        raise DeployingError(
            f"the packages that the model was made with cannot be had for {base.name}{_other_python(recipe, base)}: "
            f"{error}",
            "name another base image with --base, or train again",
        ) from None
    return made.read_text("utf-8")


def _other_python(recipe: Recipe, base: Base) -> str:
    """The likely reason."""
    made_with = python_of(recipe.model)
    if made_with == ".".join(base.python.split(".")[:2]):
        return ""
    return f" (the model was made with Python {made_with}, and {base.name} has {base.python})"


def _compile(command: list[str]) -> None:
    """All versions are known: where uv has seen them before, no index has to be asked."""
    try:
        _uv([*command, "--offline"])
    except python_environments.UvError:
        _uv(command)


def install(pins: Path, base: Base, folder: Path) -> None:
    """Put the packages into a folder, as they are imported from; nothing of them is run."""
    command = ["install", "--target", str(folder), "--no-deps", "--require-hashes", *_for(base)]
    try:
        _uv([*command, "--requirement", str(pins)])
    except python_environments.UvError as error:
        raise DeployingError(f"the packages of the image cannot be had: {error}") from None


def python_of(model: Path) -> str:
    """The Python that a model was made with, as 3.13; empty where it does not say."""
    path = model / "python_env.yaml"
    found = re.search(r"^python:\s*['\"]?(\d+\.\d+)", path.read_text("utf-8"), re.MULTILINE) if path.is_file() else None
    return found.group(1) if found else ""


def _of_model(recipe: Recipe) -> list[str]:
    """What the model itself needs beyond the server, such as lightgbm."""
    said = python_environments.requirements_in(recipe.model / "requirements.txt")
    known = {*_OF_SERVING, *_OF_TRAINING, *map(_name, recipe.requirements)}
    return [line for line in said if _name(line) not in known]


def _versions(recipe: Recipe) -> list[str]:
    """Of the model's own environment; where the model itself says another version, that one."""
    said = python_environments.requirements_in(recipe.model / "requirements.txt")
    ours = [line for line in said if "==" in line and _name(line) not in _OF_TRAINING]
    known = {_name(line) for line in ours}
    frozen = _uv(["freeze", "--exclude-editable", "--python", str(recipe.python)]).splitlines()
    return [*ours, *(line for line in frozen if "==" in line and _name(line) not in known)]


def _with_bounds() -> list[str]:
    try:
        every = requires(_DISTRIBUTION) or []
    except PackageNotFoundError:
        every = []
    found = {_name(line): line for line in every if "extra ==" not in line}
    return [found.get(_name(name), name) for name in _OF_SERVING]


def _name(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[@]", line, maxsplit=1)[0]).lower()


def _for(base: Base) -> list[str]:
    return ["--only-binary", ":all:", "--python-version", base.python, "--python-platform", base.platform]


def _uv(arguments: Sequence[str]) -> str:
    return python_environments.run_uv(["pip", *arguments])
