"""The contract with each library, on the versions that are installed here; a name that is gone is reported."""

from __future__ import annotations

from importlib import import_module

import pytest

from airflow_mlcraft.adapters.contract import Internal, Library, find_broken, list_expected
from airflow_mlcraft.adapters.internals import LIBRARIES

pytestmark = pytest.mark.every_airflow

_NAMES = [(library, internal) for library in LIBRARIES for internal in list_expected(library)]


@pytest.mark.parametrize("library", LIBRARIES, ids=[library.distribution for library in LIBRARIES])
def test_the_installed_version_has_all_names(library: Library) -> None:
    assert find_broken(library) == []


@pytest.mark.parametrize(("library", "internal"), _NAMES, ids=[internal.path for _, internal in _NAMES])
def test_a_name_that_is_gone_is_reported(library: Library, internal: Internal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name, and those of other versions in its place, is taken away in turn."""
    for path in (internal.path, *internal.instead):
        _remove_attribute(path, monkeypatch)
    gone = " and ".join(f"has no {path.replace(':', '.')}" for path in (internal.path, *internal.instead))
    [problem] = [each for each in find_broken(library) if f" {gone}, which " in each]
    assert library.distribution in problem
    assert internal.used_for in problem


def test_a_parameter_that_is_gone_is_reported() -> None:
    library = Library("pytest", "adapters/pytest.py", "8", (Internal("pytest:fixture", "tests", ("scope", "colour")),))
    [problem] = find_broken(library)
    assert "has pytest.fixture without the parameter colour" in problem


def test_an_attribute_that_is_gone_is_reported() -> None:
    library = Library("pytest", "a.py", "8", (Internal("pytest:Item", "tests", attributes=("runtest", "colour")),))
    [problem] = find_broken(library)
    assert "has pytest.Item without the attribute colour" in problem


def test_parameters_that_cannot_be_read_are_no_problem() -> None:
    """As those of a type that is compiled."""
    assert find_broken(Library("pytest", "a.py", "8", (Internal("builtins:dict", "tests", ("colour",)),))) == []


def test_another_name_in_its_place_will_do() -> None:
    found = find_broken(
        Library("pytest", "a.py", "8", (Internal("pytest:gone", "tests", instead=("pytest:fixture",)),))
    )
    assert found == []


def test_a_name_of_newer_versions_is_not_expected() -> None:
    newer = Internal("pytest:gone", "tests", since="999")
    assert find_broken(Library("pytest", "a.py", "8", (newer,))) == []


def test_a_library_that_is_not_installed_is_not_broken() -> None:
    assert find_broken(Library("no-such-library", "a.py", "1", (Internal("nothing:at_all", "tests"),))) == []


def _remove_attribute(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, names = path.partition(":")
    try:
        found: object = import_module(module)
        *owners, name = names.split(".")
        for each in owners:
            found = getattr(found, each)
    except (ImportError, AttributeError):
        return
    if isinstance(found, type):
        for base in found.__mro__:
            if name in vars(base):
                monkeypatch.delattr(base, name)
            if name in vars(base).get("__annotations__", {}):
                monkeypatch.delitem(base.__annotations__, name)
            if name in getattr(base, "model_fields", {}):
                monkeypatch.delitem(base.model_fields, name)  # type: ignore[attr-defined]
    else:
        monkeypatch.delattr(found, name, raising=False)
        monkeypatch.delitem(getattr(found, "__annotations__", {}), name, raising=False)
