"""Python environments for steps that need more than this package brings: made by uv, and kept by what they hold."""

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

Say = Callable[[str], None]


class PythonEnvironmentError(MlcraftError):
    """An environment that cannot be made."""


@dataclass(frozen=True)
class Environment:
    """An environment that is ready."""

    folder: Path

    @property
    def key(self) -> str:
        """The same for the same requirements."""
        return self.folder.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run_step(self, arguments: Sequence[str], folder: Path, say: Say, variables: Mapping[str, str]) -> int:
        """`mlcraft-step` in this environment; what it says is passed on as it says it. Gives the exit code."""
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
                say(line.rstrip("\n"))
            return process.wait()
        finally:
            _end(process)
            _running.remove(process)


_running: list[subprocess.Popen[str]] = []


def stop_steps() -> None:
    """End the steps of this process that run in environments."""
    for process in list(_running):
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def find_requirements(folder: Path) -> list[str]:
    """The requirements of the project that a folder is, or is in; none elsewhere."""
    for place in (folder, folder.parent):
        if (place / PROJECT).is_file():
            return read_requirements(place / REQUIREMENTS)
    return []


def read_requirements(path: Path) -> list[str]:
    """The lines of a requirements.txt that ask for something."""
    if not path.is_file():
        return []
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if line]


def compute_key(requirements: Sequence[str]) -> str:
    """What an environment is kept by; empty where none is needed."""
    if not requirements:
        return ""
    python = f"{sys.implementation.cache_tag} {sys.platform} {sys.prefix}"
    whole = json.dumps([sorted(requirements), _base(), python, __version__])
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


def get_or_create_environment(requirements: Sequence[str], root: Path, say: Say = lambda _: None) -> Environment:
    """The environment with these requirements, made if it is not there."""
    folder = root / compute_key(requirements)
    if (folder / _READY).is_file():
        with contextlib.suppress(OSError):
            # When it was used last, which `mlcraft prune` goes by.
            (folder / _READY).touch()
        return Environment(folder)
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / f"{folder.name}.lock"):
        if not (folder / _READY).is_file():
            say(f"making a Python environment with {', '.join(requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _make(folder, requirements)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    return Environment(folder)


def _make(folder: Path, requirements: Sequence[str]) -> None:
    _do(["venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)], requirements)
    wanted = folder / "wanted.txt"
    wanted.write_text("\n".join([*requirements, *_base()]) + "\n", "utf-8")
    python = str(folder / "bin" / "python")
    _do(["pip", "install", "--quiet", "--python", python, "--requirement", str(wanted)], requirements)
    libraries = next((folder / "lib").glob("python*")) / "site-packages"
    # The steps' code is that of this installation, whatever else is installed there.
    (libraries / _PACKAGE.name).symlink_to(_PACKAGE, target_is_directory=True)
    (folder / _READY).write_text(json.dumps({"requirements": list(requirements)}) + "\n", "utf-8")


def _do(arguments: list[str], requirements: Sequence[str]) -> None:
    try:
        run_uv(arguments)
    except UvError as error:
        raise PythonEnvironmentError(
            f"the requirements {', '.join(requirements)} cannot be installed: {' '.join(error.lines[-4:])}"
        ) from None


class UvError(Exception):
    """What uv says, line by line; the end of it as the message."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(" ".join(lines[-8:]))
        self.lines = lines


def run_uv(arguments: Sequence[str]) -> str:
    """What uv prints. Raises a `UvError` with its message, also where it does not end."""
    try:
        done = subprocess.run(  # noqa: S603 - uv, by its path
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
    if done.returncode:
        raise UvError([line.strip(_FRAME) for line in done.stderr.splitlines() if line.strip()] or ["uv failed"])
    return done.stdout


def find_uv() -> str:
    """The program; beside this Python, or on the PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise PythonEnvironmentError("there is no uv here, which makes the environments of projects; `pip install uv`")
    return found


def _base() -> list[str]:
    """What the steps need, with the lower bounds that this package has."""
    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name

    declared = declared_requirements()
    for requirement in declared.values():
        # An upper bound is there for Airflow's sake, which is not in these environments.
        bounds = [str(bound) for bound in requirement.specifier if not bound.operator.startswith("<")]
        requirement.specifier = SpecifierSet(",".join(sorted(bounds)))
    return [str(declared.get(canonicalize_name(name), name)) for name in _OF_STEPS]


def declared_requirements() -> dict[str, Requirement]:
    """The requirements of this package and of its extras that hold on this system, without markers, by name."""
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
