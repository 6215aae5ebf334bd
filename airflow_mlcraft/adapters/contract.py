"""Check that the installed libraries still have the internal names that the adapters use.

An adapter is the one module that touches what a library does not promise to keep. The names that it uses are listed in
`adapters/internals.py`, which imports none of the libraries, so the list can be checked when an adapter cannot load.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version


@dataclass(frozen=True)
class Internal:
    """A name of a library that the library does not promise to keep: `package.module:Class.method`."""

    path: str
    used_for: str
    parameters: tuple[str, ...] = ()
    """The parameters that it is called with by name, or that an override of it takes."""
    attributes: tuple[str, ...] = ()
    """The attributes of a class that are read, such as the columns of a table."""
    instead: tuple[str, ...] = ()
    """Paths of the names that other supported versions of the library have in its place."""
    since: str = ""
    """The first version of the library that is expected to have it; older ones need nothing in its place."""


@dataclass(frozen=True)
class Library:
    """A library, the versions that are tested, and the internal names that its adapter uses."""

    distribution: str
    adapter: str
    tested: str
    internals: tuple[Internal, ...] = field(default=())


def find_broken(library: Library) -> list[str]:
    """One sentence for each internal name that the installed version lacks. None when it is not installed."""
    try:
        installed = version(library.distribution)
    except PackageNotFoundError:
        return []
    return [
        f"{library.distribution} {installed} {problem}, which {library.adapter} uses for {internal.used_for}; tested "
        f"are {library.tested}"
        for internal in list_expected(library)
        if (problem := _find_problem(internal))
    ]


def list_expected(library: Library) -> list[Internal]:
    """The names that the installed version is expected to have."""
    installed = Version(version(library.distribution))
    return [each for each in library.internals if not each.since or installed >= Version(each.since)]


def _find_problem(internal: Internal) -> str:
    """What is wrong with a name and with each of those in its place; empty when one of them is as expected."""
    problems = []
    for path in (internal.path, *internal.instead):
        try:
            found = _resolve(path)
        except (ImportError, AttributeError):
            problems.append(f"has no {path.replace(':', '.')}")
            continue
        lacking = [
            *(f"the parameter {name}" for name in _find_lacking_parameters(found, internal.parameters)),
            *(f"the attribute {name}" for name in internal.attributes if not _has_attribute(found, name)),
        ]
        if not lacking:
            return ""
        problems.append(f"has {path.replace(':', '.')} without {' and '.join(lacking)}")
    return " and ".join(problems)


def _resolve(path: str) -> object:
    module, _, names = path.partition(":")
    found: object = import_module(module)
    for name in filter(None, names.split(".")):
        found = None if _is_declared(found, name) else getattr(found, name)
    return found


def _has_attribute(owner: object, name: str) -> bool:
    return _is_declared(owner, name) or hasattr(owner, name)


def _is_declared(owner: object, name: str) -> bool:
    """Whether a class or module declares a name with a type, and possibly without a value."""
    return name in getattr(owner, "__annotations__", {}) or name in getattr(owner, "model_fields", {})


def _find_lacking_parameters(function: object, parameters: tuple[str, ...]) -> list[str]:
    if not parameters or not callable(function):
        return []
    try:
        known = inspect.signature(function).parameters
    except ValueError:  # compiled, without a signature
        return []
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values()):
        return []
    return [name for name in parameters if name not in known]
