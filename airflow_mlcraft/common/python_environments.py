"""Python environments for steps with requirements of their own: created by uv, and reused by their content."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft import __version__
from airflow_mlcraft.common.extras import DISTRIBUTION
from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from packaging.requirements import Requirement


STATE = "MLCRAFT_STEP_STATE"
"""The environment variable with the folder where a step leaves files for its next try."""
PROJECT, REQUIREMENTS = "mlcraft.toml", "requirements.txt"
_READY = "ready.json"
_GRACE = 10.0
_UV_SECONDS = 1800.0
"""Time limit for uv: large packages need a while, but a hanging process would keep the lock of its environment."""
_FRAME = " \u00d7╰─▶│├"
"""Characters that uv draws around its messages."""
_PACKAGE = Path(__file__).parents[1]

_OF_STEPS = (
    "charset-normalizer",
    "fastapi",
    "fsspec",
    "httptools",
    "httpx",
    "matplotlib",
    "optuna",
    "orjson",
    "pandas",
    "prometheus-client",
    "psutil",
    "pyarrow",
    "ruamel.yaml",
    "scikit-learn",
    "skops",
    "sqlalchemy",
    "threadpoolctl",
    "uvicorn",
    "uvloop",
)
"""Packages that steps and the inference server import; neither Airflow nor MLflow, whose pins do not apply there."""

WriteLine = Callable[[str], None]


class PythonEnvironmentError(MlcraftError):
    """A Python environment that cannot be created."""


@dataclass(frozen=True)
class Environment:
    """A Python environment that is ready to use."""

    folder: Path

    @property
    def key(self) -> str:
        """The key, which is equal for equal requirements."""
        return self.folder.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run_step(
        self, arguments: Sequence[str], folder: Path, write_line: WriteLine, variables: Mapping[str, str]
    ) -> int:
        """Run `mlcraft-step` in this environment, and pass each line of its output on. Returns the exit code."""
        process = subprocess.Popen(  # noqa: S603 - our own command
            [str(self.python), "-m", "airflow_mlcraft.steps.command", *arguments],
            cwd=folder,
            env={**os.environ, **variables, "PYTHONNOUSERSITE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        _running.append(process)
        try:
            for line in process.stdout or ():
                write_line(line.rstrip("\n"))
            return process.wait()
        finally:
            _terminate(process)
            _running.remove(process)


_running: list[subprocess.Popen[str]] = []


def stop_steps() -> None:
    """Stop the steps of this process that run in environments."""
    for process in list(_running):
        _terminate(process)


def _terminate(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def find_requirements(folder: Path) -> list[str]:
    """The requirements of the project in a folder, or in its parent folder; none outside of a project."""
    for place in (folder, folder.parent):
        if (place / PROJECT).is_file():
            return read_requirements(place / REQUIREMENTS)
    return []


def read_requirements(path: Path) -> list[str]:
    """The requirements in a requirements.txt, without comments."""
    if not path.is_file():
        return []
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line]


def compute_key(requirements: Sequence[str]) -> str:
    """The key of the environment for these requirements; empty if none is needed."""
    if not requirements:
        return ""
    python = f"{sys.implementation.cache_tag} {sys.platform} {sys.prefix}"
    content = json.dumps([sorted(requirements), _base_requirements(), python, __version__])
    return hashlib.sha256(content.encode()).hexdigest()[:24]


def get_or_create_environment(
    requirements: Sequence[str], root: Path, write_line: WriteLine = lambda _: None
) -> Environment:
    """The environment with these requirements, created if it does not exist."""
    folder = root / compute_key(requirements)
    if (folder / _READY).is_file():
        with contextlib.suppress(OSError):
            # The time of the last use, which `mlcraft prune` reads.
            (folder / _READY).touch()
        return Environment(folder)
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f"{folder.name}.lock"):
        if not (folder / _READY).is_file():
            write_line(f"making a Python environment with {', '.join(requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _create_environment(folder, requirements)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return Environment(folder)


def _create_environment(folder: Path, requirements: Sequence[str]) -> None:
    _run_uv_for(["venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)], requirements)
    requirements_file = folder / "wanted.txt"
    requirements_file.write_text("\n".join([*requirements, *_base_requirements()]) + "\n", "utf-8")
    python = str(folder / "bin" / "python")
    _run_uv_for(
        ["pip", "install", "--quiet", "--python", python, "--requirement", str(requirements_file)], requirements
    )
    libraries = next((folder / "lib").glob("python*")) / "site-packages"
    # The code of the steps is that of this installation, whatever else is installed there.
    (libraries / _PACKAGE.name).symlink_to(_PACKAGE, target_is_directory=True)
    (folder / _READY).write_text(json.dumps({"requirements": list(requirements)}) + "\n", "utf-8")


def _run_uv_for(arguments: list[str], requirements: Sequence[str]) -> None:
    try:
        run_uv(arguments)
    except UvError as error:
        raise PythonEnvironmentError(
            f"the requirements {', '.join(requirements)} cannot be installed: {' '.join(error.lines[-4:])}"
        ) from None


class UvError(Exception):
    """An error of uv, with its output as lines; the message has the last ones."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(" ".join(lines[-8:]))
        self.lines = lines


def run_uv(arguments: Sequence[str]) -> str:
    """Run uv; returns its output. Raises a `UvError` with uv's message, or for exceeding the time limit."""
    try:
        process = subprocess.run(  # noqa: S603 - uv, by its path
            [find_uv(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_UV_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UvError(
            [
                f"uv {' '.join(arguments[:2])} did not end within {_UV_SECONDS / 60:.0f} minutes and was ended;",
                "see whether the package index answers, and try again: what was downloaded is kept",
            ]
        ) from None
    if process.returncode:
        raise UvError([line.strip(_FRAME) for line in process.stderr.splitlines() if line.strip()] or ["uv failed"])
    return process.stdout


def find_uv() -> str:
    """The path of uv: beside this Python, or on the PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PythonEnvironmentError("there is no uv here, which makes the environments of projects; `pip install uv`")
    return found


def _base_requirements() -> list[str]:
    """The requirements of the steps, with the lower bounds of this package."""
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name

    declared = declared_requirements()
    for requirement in declared.values():
        # Upper bounds are for compatibility with Airflow, which is not in these environments.
        bounds = [str(bound) for bound in requirement.specifier if not bound.operator.startswith("<")]
        requirement.specifier = SpecifierSet(",".join(sorted(bounds)))
    return [str(declared.get(canonicalize_name(name), name)) for name in _OF_STEPS]


def declared_requirements() -> dict[str, Requirement]:
    """The requirements of this package and its extras whose markers hold on this system, without markers, by name."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        lines = requires(DISTRIBUTION) or []
        extras = metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    except PackageNotFoundError:
        return {}
    found = {}
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras):
            requirement.marker = None
            found[canonicalize_name(requirement.name)] = requirement
    return {str(name): requirement for name, requirement in found.items() if name != DISTRIBUTION}
