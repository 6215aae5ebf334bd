"""Versions of installed packages that break each other's requirements."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.common.extras import DISTRIBUTION
from airflow_mlcraft.project.version_conflicts import Conflict, find_version_conflicts


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages that Python looks through first."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site: Path, name: str, version: str, *requires: str, extras: tuple[str, ...] = ()) -> None:
    """The metadata that pip leaves of a package."""
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    (folder / "METADATA").write_text("\n".join([*lines, *(f"Requires-Dist: {line}" for line in requires)]) + "\n")


def test_what_is_installed_here_fits() -> None:
    assert find_version_conflicts(DISTRIBUTION) == []


def test_a_version_that_another_package_does_not_accept(site: Path) -> None:
    install(site, "toproot", "1.0", "midway>=2", "leafpkg")
    install(site, "midway", "2.5", "leafpkg<3,>=1")
    install(site, "leafpkg", "3.1")
    (conflict,) = find_version_conflicts("toproot")
    assert conflict == Conflict("leafpkg", "3.1", ("leafpkg<3,>=1 of midway 2.5",))
    assert str(conflict) == "leafpkg 3.1 breaks leafpkg<3,>=1 of midway 2.5"


def test_a_package_that_is_missing(site: Path) -> None:
    install(site, "toproot", "1.0", "gonepkg>=4")
    assert str(*find_version_conflicts("toproot")) == "no gonepkg breaks gonepkg>=4 of toproot 1.0"


def test_what_does_not_hold_here_is_left_out(site: Path) -> None:
    install(
        site,
        "toproot",
        "1.0",
        "gonepkg; sys_platform == 'nowhere'",
        "gonepkg; extra == 'more'",
        "midway[some]",
        "toproot",
    )
    install(site, "midway", "2.0rc1", "leafpkg>=9; extra == 'some'", "leafpkg>=12; extra == 'other'")
    install(site, "leafpkg", "10")
    assert find_version_conflicts("toproot") == []


def test_an_extra_that_is_asked_for_counts(site: Path) -> None:
    install(site, "toproot", "1.0", "midway[some]")
    install(site, "midway", "2.0", "leafpkg>=9; extra == 'some'")
    install(site, "leafpkg", "8")
    assert str(*find_version_conflicts("toproot")) == "leafpkg 8 breaks leafpkg>=9 of midway 2.0"


def test_only_extras_that_are_installed_whole_count(site: Path) -> None:
    whole = ("leafpkg>=2; extra == 'whole'", "midway; extra == 'whole'")
    part = ("leafpkg>=3; extra == 'part'", "absentpkg; extra == 'part'")
    install(site, "toproot", "1.0", *whole, *part, extras=("whole", "part"))
    install(site, "midway", "2.5")
    install(site, "leafpkg", "1.0")
    (conflict,) = find_version_conflicts("toproot")
    assert conflict == Conflict("leafpkg", "1.0", ("leafpkg>=2 of toproot 1.0",))
