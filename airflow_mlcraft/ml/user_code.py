"""The user's own Python file: loaded by its path, and its mistakes told with file and line."""

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

from airflow_mlcraft.common.did_you_mean import suggestion
from airflow_mlcraft.common.hashing import sha256_of_file
from airflow_mlcraft.errors import StepError


def module_name(path: Path) -> str:
    """A name that no other content has, so that classes of two projects never meet."""
    stem = re.sub(r"\W", "_", path.stem)
    return f"mlcraft_{stem}_{sha256_of_file(path)[:16]}"


_checks: list[Callable[[Path], None]] = []
_vouched: set[str] = set()


def vouch_for(sha256: str) -> None:
    """Let code of this content be loaded whatever a check says: it came with a model, and its signature is known."""
    _vouched.add(sha256)


@contextmanager
def guarded(check: Callable[[Path], None]) -> Iterator[None]:
    """For as long as the block lasts, no code is loaded, by any thread, that the check raises an error for."""
    _checks.append(check)
    try:
        yield
    finally:
        _checks.remove(check)


def load(path: Path) -> ModuleType:
    """The module in a file."""
    if _checks and sha256_of_file(path) not in _vouched:
        for check in _checks:
            check(path)
    with told(path):
        return import_content(module_name(path), path, path.read_bytes())


def import_content(name: str, path: Path, content: bytes) -> ModuleType:
    """The module of that name, made from this content where nobody has imported it yet; `path` is for tracebacks."""
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
    """A function of that name, where there is one."""
    found = getattr(module, name, None)
    if found is not None and not callable(found):
        raise StepError(f"{_file(module)}: {name} is a {type(found).__name__}; expected a function")
    return found


def needed(module: ModuleType, name: str, form: str) -> Callable[..., Any]:
    """A function that has to be there."""
    found = function(module, name)
    if found is None:
        there = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        more = f"; {suggestion(name, there)}" if there else ""
        raise StepError(f"{_file(module)} has no function {name!r}; expected `{form}`{more}")
    return found


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Whatever happens in the user's file is the user's to mend: file, line, what happened."""
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
