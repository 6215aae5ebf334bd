"""Only the adapters import internal names of libraries, and each of these names is in the list of its library."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from airflow_mlcraft.adapters.contract import Library
from airflow_mlcraft.adapters.internals import AIRFLOW_API, AIRFLOW_CORE, AIRFLOW_SDK, AIRFLOW_STANDARD

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "airflow_mlcraft"
ADAPTERS = PACKAGE / "adapters"

# Airflow's documentation of its public interface names these modules; of `airflow.sdk` only the names in `__all__`.
# Everything of a provider is public but its modules' own private names.
PUBLIC_OF_AIRFLOW = {
    "airflow.configuration": {"conf"},
    "airflow.exceptions": None,
    "airflow.listeners": {"hookimpl"},
    "airflow.plugins_manager": {"AirflowPlugin"},
    "airflow.providers": None,
    "airflow.sdk.timezone": None,
    "airflow.timetables": None,
    "airflow.utils.state": None,
}
"""The public names of each module; None for all."""

PUBLIC = {"airflow": PUBLIC_OF_AIRFLOW}
"""The public modules of each library whose internals are used only in adapters."""


def test_only_adapters_import_internal_names() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}: {module}.{name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not path.is_relative_to(ADAPTERS)
        for line, module, name in find_imports(path)
        if not is_public(module, name)
    ]
    assert found == []


@pytest.mark.parametrize(
    "library",
    [AIRFLOW_SDK, AIRFLOW_CORE, AIRFLOW_API, AIRFLOW_STANDARD],
    ids=lambda library: Path(library.adapter).stem,
)
def test_all_internal_names_of_an_adapter_are_listed(library: Library) -> None:
    listed = {path for internal in library.internals for path in (internal.path, *internal.instead)}
    missing = [
        f"{module}:{name}"
        for _, module, name in find_imports(PROJECT / library.adapter)
        if not is_public(module, name) and not _is_listed(f"{module}:{name}", f"{module}.{name}", listed)
    ]
    assert missing == []


@pytest.mark.parametrize("library", [AIRFLOW_CORE], ids=lambda library: Path(library.adapter).stem)
def test_names_are_passed_on_from_the_modules_that_they_are_typed_with(library: Library) -> None:
    """A lazy adapter names the module of a class twice: for type checkers, and for the import."""
    adapter = import_module(library.adapter.removesuffix(".py").replace("/", "."))
    typed = {name: module for _, module, name in find_imports(PROJECT / library.adapter)}
    assert {name: typed[name] for name in adapter.__all__} == adapter._MODULES


def find_imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """The line, module and name of each import in a file, type-checking ones included; of a module, an empty name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from ((node.lineno, node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, "") for alias in node.names)


def is_public(module: str, name: str) -> bool:
    """Whether a name may be imported outside of the adapters. Names of libraries without adapters may."""
    public = PUBLIC.get(module.partition(".")[0])
    if public is None:
        return True
    if module == "airflow":
        return name == ""
    if module == "airflow.sdk":
        return name in import_module("airflow.sdk").__all__
    for prefix, names in public.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return not name.startswith("_") and (names is None or name in names)
    return False


def _is_listed(path: str, module_path: str, listed: set[str]) -> bool:
    """Whether a name, or one below it, is listed: a class by one of its methods, a module by one of its names."""
    return any(each == path or each.startswith((f"{path}.", f"{module_path}:")) for each in listed)
