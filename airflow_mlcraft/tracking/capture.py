"""What is logged of a function call: arguments, source, machine, seed and output, and a run that logs them all."""

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

_SECRET = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential", "private_key")
_LONGEST = 500
_PRINTED = 1_000_000


def bind_arguments(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """The arguments of a call, with the defaults of those that are not given; secrets are stars.

    A call that Python would refuse has none: the function's own error says why.
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
    """Values as params: short, and without what nobody should read."""
    return {name: "***" if _is_secret(name) else _to_parameter(value) for name, value in values.items()}


# All that `exec` and `python -c` ran has this name, and Python may show the source of one for another's.
_ANY_STRING = "<string>"


def hash_source(function: Callable[..., Any]) -> str:
    """A hash that changes with the function's source; of its code, where there is no source."""
    plain = inspect.unwrap(function)
    code = getattr(plain, "__code__", None)
    try:
        if code and code.co_filename == _ANY_STRING:
            raise OSError
        text = inspect.getsource(plain).encode()
    except (OSError, TypeError):
        text = code.co_code + repr(code.co_consts).encode() if code else repr(plain).encode()
    return hashlib.sha256(text).hexdigest()[:32]


def host_tags() -> dict[str, str]:
    """The machine and its Python."""
    return {
        "host.name": socket.gethostname(),
        "host.platform": platform.platform(),
        "host.cpus": str(os.cpu_count()),
        "host.python": platform.python_version(),
    }


def package_tags(function: Callable[..., Any]) -> dict[str, str]:
    """The versions of the packages that a function's module has imported."""
    modules = set()
    for value in list(getattr(inspect.unwrap(function), "__globals__", {}).values()):
        module = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
        if isinstance(module, str):
            modules.add(module)
    return {f"package.{name}": version for name, version in find_package_versions(modules).items()}


def code_tags(function: Callable[..., Any]) -> dict[str, str]:
    """Tags of a function: its name, the hash of its source, the packages it uses. Nothing of what has no name."""
    plain = getattr(function, "func", function)
    name = getattr(plain, "__qualname__", type(plain).__qualname__)
    return {
        "function": f"{getattr(plain, '__module__', None) or type(plain).__module__}.{name}",
        "source_hash": hash_source(plain),
        **package_tags(plain),
    }


def git_commit(folder: str = ".") -> str:
    """The commit that a folder is at; nothing where there is no git, or no repository."""
    return _git_place(folder)[1]


def document_tags(file: Path) -> dict[str, str]:
    """Which document it was: its path in its repository, its hash, and the repository's commit."""
    root, commit = _git_place(str(file.parent))
    inside = bool(root) and file.resolve().is_relative_to(root)
    found = {
        tags.DOCUMENT: file.resolve().relative_to(root).as_posix() if inside else file.name,
        tags.DOCUMENT_HASH: md5_of_file(file) if file.is_file() else "",
        tags.GIT_COMMIT: commit,
    }
    return {name: value for name, value in found.items() if value}


@functools.cache
def _git_place(folder: str) -> tuple[str, str]:
    """The repository that a folder is in, and its commit."""
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
    """A seed that is the same for the same key."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)


def seed_everything(seed: int) -> None:
    """Seed Python's random numbers, and NumPy's where it is loaded."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)


@contextlib.contextmanager
def capture_output() -> Iterator[list[str]]:
    """What is printed meanwhile, a megabyte at most; it goes on to where it would have gone."""
    parts: list[str] = []
    with contextlib.redirect_stdout(_Tee(sys.stdout, parts)), contextlib.redirect_stderr(_Tee(sys.stderr, parts)):
        yield parts


class _Tee:
    def __init__(self, beyond: TextIO, parts: list[str]):
        self._beyond = beyond
        self._parts = parts
        self._left = _PRINTED

    def write(self, text: str) -> int:
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)
        return self._beyond.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._beyond, name)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET)


def _to_parameter(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception as error:
        # Also an object of the user's whose repr raises is no reason for its task to fail.
        text = f"<{type(value).__name__} without a text: {type(error).__name__}>"
    return shorten(text, _LONGEST)


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
    """`TrackingClient.step`, with tags and params about the call; `capture.bind_arguments` gives a call's `arguments`.

    Random numbers are seeded: with `seed`, or with one that follows from the run's name, so that a retry repeats it.
    """
    given = to_params(arguments or {})
    seed = derive_seed(name.key) if seed is None else seed
    chosen = given.get("seed")
    if isinstance(chosen, int) and not isinstance(chosen, bool):
        seed = chosen
    with tracking.step(name, tags={**_commit(), **(tags or {})}, parent=parent) as run:
        run.params({**given, "seed": seed})
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


def _commit() -> dict[str, str]:
    commit = git_commit()
    return {GIT_COMMIT: commit} if commit else {}
