"""The user's Python files: loading them by their paths, and reporting their errors with file and line."""

from __future__ import annotations

import ast
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from airflow_mlcraft.common.did_you_mean import build_suggestion
from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import StepError


def module_name(path: Path) -> str:
    """A module name with a hash of the file's content, so that classes of two projects never collide."""
    stem = re.sub(r"\W", "_", path.stem)
    return f"mlcraft_{stem}_{sha256_of_file(path)[:16]}"


_checks: list[Callable[[Path], None]] = []
_trusted: set[str] = set()


def trust_code(sha256: str) -> None:
    """Allow code of this content to be loaded without checks: it came with a model, and its signature is verified."""
    _trusted.add(sha256)


@contextmanager
def check_code_loads(check: Callable[[Path], None]) -> Iterator[None]:
    """Call `check` before any thread loads code within the context; code for which it raises an error is not loaded."""
    _checks.append(check)
    try:
        yield
    finally:
        _checks.remove(check)


def load(path: Path) -> ModuleType:
    """Load the module in a file."""
    if _checks and sha256_of_file(path) not in _trusted:
        for check in _checks:
            check(path)
    with locate_errors(path):
        return import_content(module_name(path), path, path.read_bytes())


def import_content(name: str, path: Path, content: bytes) -> ModuleType:
    """The module of that name, executed from this content unless it is imported already; `path` is for tracebacks."""
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    code = compile(content, str(path), "exec")
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    return module


def imports_of(path: Path) -> set[str]:
    """Top-level names of the modules that a file imports."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def function(module: ModuleType, name: str) -> Callable[..., Any] | None:
    """The function of that name in a module; None if there is none."""
    found = getattr(module, name, None)
    if found is not None and not callable(found):
        raise StepError(f"{_file(module)}: {name} is a {type(found).__name__}; expected a function")
    return found


def require_function(module: ModuleType, name: str, signature: str) -> Callable[..., Any]:
    """The function of that name; raises an error with its expected signature if there is none."""
    required = function(module, name)
    if required is None:
        names = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        suggestion = f"; {build_suggestion(name, names)}" if names else ""
        raise StepError(f"{_file(module)} has no function {name!r}; expected `{signature}`{suggestion}")
    return required


@contextmanager
def locate_errors(path: Path) -> Iterator[None]:
    """Raise errors of the user's code as `StepError` with file, line and error type."""
    try:
        yield
    except StepError:
        raise
    except SyntaxError as error:
        raise StepError(f"{Path(error.filename or path).name}:{error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        place = f"{path.name}:{lines[-1]}" if lines else path.name
        raise StepError(f"{place}: {type(error).__name__}: {error}") from error


def _file(module: ModuleType) -> str:
    return Path(str(module.__file__)).name
