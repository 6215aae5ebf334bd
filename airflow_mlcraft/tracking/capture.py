"""Capture of a function call: arguments, source, machine, seed and output, and a run that logs them all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import logging
import os
import platform
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from airflow_mlcraft.common.hashing import md5_of_file
from airflow_mlcraft.common.text import shorten
from airflow_mlcraft.tracking import tags
from airflow_mlcraft.tracking.client import TrackingClient
from airflow_mlcraft.tracking.installed_packages import find_package_versions
from airflow_mlcraft.tracking.names import StepName
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.tags import GIT_COMMIT

_SECRET_WORDS = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential", "private_key")
_MAX_PARAM_LENGTH = 500
_MAX_PRINTED = 1_000_000


def bind_arguments(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call, with defaults; the values of secrets are masked.

    For a call that Python would refuse the result is empty: the function's own error gives the reason.
    """
    try:
        signature = inspect.signature(function)
        bound = signature.bind_partial(*args, **kwargs)
    except (TypeError, ValueError):
        return {}
    bound.apply_defaults()
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        found |= value if kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    return to_params(found)


def to_params(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values to params: shortened, with secrets masked."""
    return {name: "***" if _is_secret(name) else _to_parameter(value) for name, value in values.items()}


# The file name of all code run by `exec` and `python -c`: Python may return the source of another such code.
_STRING_FILENAME = "<string>"


def hash_source(function: Callable[..., Any]) -> str:
    """Hash the source of a function, or its bytecode if there is no source."""
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None)
    try:
        if code and code.co_filename == _STRING_FILENAME:
            raise OSError
        text = inspect.getsource(plain).encode()
    except (OSError, TypeError):
        text = code.co_code + repr(code.co_consts).encode() if code else repr(plain).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def host_tags() -> dict[str, str]:
    """Return tags of the machine and its Python."""
    return {
        "host.name": socket.gethostname(),
        "host.platform": platform.platform(),
        "host.cpus": str(os.cpu_count()),
        "host.python": platform.python_version(),
    }


def package_tags(function: Callable[..., Any]) -> dict[str, str]:
    """Return tags with the versions of the packages that a function's module has imported."""
    modules = set()
    for value in list(getattr(inspect.unwrap(function), "__globals__", {}).values()):
        module = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
        if isinstance(module, str):
            modules.add(module)
    return {f"package.{name}": version for name, version in find_package_versions(modules).items()}


def code_tags(function: Callable[..., Any]) -> dict[str, str]:
    """Return tags of a function: its name, the hash of its source, and the packages it uses."""
    plain = getattr(function, "func", function)
    name = getattr(plain, "__qualname__", type(plain).__qualname__)
    return {
        "function": f"{getattr(plain, '__module__', None) or type(plain).__module__}.{name}",
        "source_hash": hash_source(plain),
        **package_tags(plain),
    }


def git_commit(folder: str = ".") -> str:
    """Return the commit checked out in a folder; "" without git or a repository."""
    return _read_git_head(folder)[1]


def document_tags(file: Path) -> dict[str, str]:
    """Return tags of a document: its path in its repository, its hash, and the repository's commit."""
    root, commit = _read_git_head(str(file.parent))
    inside = bool(root) and file.resolve().is_relative_to(root)
    found = {
        tags.DOCUMENT: file.resolve().relative_to(root).as_posix() if inside else file.name,
        tags.DOCUMENT_HASH: md5_of_file(file) if file.is_file() else "",
        tags.GIT_COMMIT: commit,
    }
    return {name: value for name, value in found.items() if value}


@functools.cache
def _read_git_head(folder: str) -> tuple[str, str]:
    """Return the root of the repository that a folder is in, and its commit."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", folder, "rev-parse", "--show-toplevel", "HEAD"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", ""
    if done.returncode != 0:
        return "", ""
    root, _, commit = done.stdout.strip().rpartition("\n")
    return os.path.realpath(root), commit


def derive_seed(key: str) -> int:
    """Derive a seed from a key."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)


def seed_everything(seed: int) -> None:
    """Seed Python's random numbers, and NumPy's if it is loaded."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)


@contextlib.contextmanager
def capture_output() -> Iterator[list[str]]:
    """Collect what is printed inside the block, a megabyte at most; it is still printed."""
    parts: list[str] = []
    with contextlib.redirect_stdout(_Tee(sys.stdout, parts)), contextlib.redirect_stderr(_Tee(sys.stderr, parts)):
        yield parts


class _Tee:
    def __init__(self, stream: TextIO, parts: list[str]):
        self._stream = stream
        self._parts = parts
        self._left = _MAX_PRINTED

    def write(self, text: str) -> int:
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)


def _to_parameter(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:
        # A repr of the user's that raises must not fail the task.
        text = f"<{type(value).__name__} without a text: {type(error).__name__}>"
    return shorten(text, _MAX_PARAM_LENGTH)


log = logging.getLogger(__name__)


@contextlib.contextmanager
def tracked_run(
    tracking: TrackingClient,
    name: StepName,
    function: Callable[..., Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    *,
    seed: int | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: str | None = None,
) -> Iterator[TrackedRun]:
    """Track a step like `TrackingClient.step`, with tags and params of the call; see `bind_arguments` for `arguments`.

    Random numbers are seeded: with `seed`, or with a seed derived from the run's name, so that a retry repeats it.
    """
    params = to_params(arguments or {})
    seed = derive_seed(name.key) if seed is None else seed
    seed_argument = params.get("seed")
    if isinstance(seed_argument, int) and not isinstance(seed_argument, bool):
        seed = seed_argument
    with tracking.step(name, tags={**_commit_tag(), **(tags or {})}, parent=parent) as run:
        run.params({**params, "seed": seed})
        run.tags(host_tags())
        if function is not None:
            try:
                run.tags(code_tags(function))
            except Exception as error:
                log.warning("the code of %r is not tracked: %s", function, error)
        seed_everything(seed)
        with capture_output() as parts:
            try:
                yield run
            finally:
                run.text("".join(parts), "printed.txt")


def _commit_tag() -> dict[str, str]:
    commit = git_commit()
    return {GIT_COMMIT: commit} if commit else {}
