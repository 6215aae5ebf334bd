"""What a parent has in it: settings, installed packages, files of the package. A command that differs needs another."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airflow_mlcraft import __version__

# Variables that modules read while they are imported, or while the embedded Airflow is prepared. All others are taken
# over by each run.
_READ_BY_IMPORTS = re.compile(
    r"""
    # A user's and a terminal's
    HOME | LANG | LANGUAGE | LNAME | LOGNAME | PATH | TZ | USER | USERNAME | VIRTUAL_ENV | (LC|LD|DYLD|XDG)_.*
    | FORCE_COLOR | NO_COLOR | TERMINAL_WIDTH | GITHUB_ACTIONS
    # Airflow's, this package's and Python's
    | _?AIRFLOW.* | MLCRAFT_.* | BUILDING_AIRFLOW_DOCS | DEV | _?PY.* | SPHINX_BUILD | SSL_CERT_.* | SSLKEYLOGFILE
    # Libraries'
    | (AIOHTTP|ARROW|CWLTOOL|DVC|FROZENLIST|FSSPEC|GIT_PYTHON|HUMANFRIENDLY|MLFLOW|MSGPACK|MULTIDICT|OTEL|PANDAS)_.*
    | (PENDULUM|PILLOW|PROPCACHE|PSUTIL|RUAMEL|SQLALCHEMY|_?TYPER|WCWIDTH|YARL)_.* | (MPL|MATPLOTLIB).*
    # Numerical libraries', with their threads and their memory
    | (BLIS|GLIBC|GOMP|GOTO|JOBLIB|KMP|LOKY|MALLOC|MKL|NPY|NUMEXPR|NUMPY|NVPL|OMP|OPENBLAS|SCIPY|SKLEARN|VECLIB)_.*
    | SOURCE_DATE_EPOCH
    """,
    re.VERBOSE,
)
_READ_BY_RUNS = re.compile(r"MLCRAFT_(PROJECTS|SERVER_\w+|WARM)|XDG_(SESSION_ID|VTNR|SEAT)")
_METADATA = (".dist-info", ".egg-info", ".egg-link", ".pth")


def matters(name: str) -> bool:
    """Whether a parent's modules depend on this environment variable."""
    return bool(_READ_BY_IMPORTS.fullmatch(name)) and not _READ_BY_RUNS.fullmatch(name)


def take_snapshot(environment: Mapping[str, str], path: Iterable[str], process: int, home: Path) -> dict[str, Any]:
    """What decides whether a parent fits: as JSON, by what a person would call it."""
    path = list(path)
    return {
        "version": f"{__version__} {sys.version} {sys.executable}",
        "module path": path,
        "variables": {name: value for name, value in sorted(environment.items()) if matters(name)},
        "packages": _list_files(path, home),
        "machine": _describe_process(process),
    }


def find_difference(parent: Mapping[str, Any], command: Mapping[str, Any]) -> str:
    """What differs, or an empty text."""
    return ", ".join(what for what, value in parent.items() if command.get(what) != value)


def _list_files(path: Iterable[str], home: Path) -> dict[str, int]:
    """Times of the metadata of installed packages, of this package's modules in a checkout, and of configuration."""
    files: dict[str, int] = {}
    package = Path(__file__).parents[2]
    for folder in dict.fromkeys(path):
        _add_files(files, folder, lambda entry: entry.name.endswith(_METADATA), deep=False)
    if not any(name.startswith(f"{package.parent}/airflow_provider_mlcraft-") for name in files):
        _add_files(files, str(package), lambda entry: entry.name.endswith(".py"), deep=True)
    for name in (sys.executable, home / "airflow.cfg", home / "config", home / "plugins"):
        try:
            files[str(name)] = os.stat(name).st_mtime_ns  # noqa: PTH116
        except OSError:
            continue
    return files


def _add_files(files: dict[str, int], folder: str, is_wanted: Any, *, deep: bool) -> None:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # an archive, or nothing: such entries are allowed in a module path
    for entry in entries:
        if is_wanted(entry):
            files[entry.path] = entry.stat().st_mtime_ns
        elif deep and entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False):
            _add_files(files, entry.path, is_wanted, deep=True)


def _describe_process(process: int) -> dict[str, str]:
    """The namespaces and the control group of a process, on Linux: it may be in a container, or limited."""
    if not process or not os.path.isdir("/proc/self/ns"):  # noqa: PTH112
        return {}
    described = {}
    for name in ("mnt", "net", "pid", "user", "uts", "ipc"):
        described[name] = os.readlink(f"/proc/{process}/ns/{name}")  # noqa: PTH115
    root = os.stat(f"/proc/{process}/root")  # noqa: PTH116
    described["root"] = f"{root.st_dev}:{root.st_ino}"
    groups = Path(f"/proc/{process}/cgroup").read_text("utf-8")
    described["cgroup"] = "\n".join(map(_drop_session, groups.splitlines()))
    return described


# Where a desktop, a login or a terminal multiplexer puts each terminal: these have no limits of their own.
_SESSION_SCOPES = ("session-", "vte-spawn-", "tmux-spawn-", "app-")


def _drop_session(line: str) -> str:
    above, _, last = line.rpartition("/")
    return above if last.endswith(".scope") and last.startswith(_SESSION_SCOPES) else line
