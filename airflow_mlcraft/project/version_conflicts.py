"""Installed packages whose versions violate requirements of MLcraft or of its dependencies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from airflow_mlcraft.common.extras import DISTRIBUTION


@dataclass(frozen=True)
class Conflict:
    """A package that is missing, or whose version violates a requirement."""

    package: str
    installed: str | None
    """None if it is not installed."""
    broken: tuple[str, ...]
    """The violated requirements with their packages: `fastapi<0.137 of cadwyn 7.0.0`."""

    def __str__(self) -> str:
        found = f"{self.package} {self.installed}" if self.installed else f"no {self.package}"
        return f"{found} breaks {', '.join(self.broken)}"


def find_version_conflicts(root: str = DISTRIBUTION) -> list[Conflict]:
    """Compare installed versions with the requirements of `root` and of all its dependencies."""
    required: dict[str, list[tuple[Requirement, str]]] = defaultdict(list)
    for requirement, owner in _walk_requirements(root):
        required[canonicalize_name(requirement.name)].append((requirement, owner))
    found = []
    for package, pairs in sorted(required.items()):
        installed = _find_distribution(package)
        version = installed.version if installed else None
        broken = sorted(
            {
                f"{requirement.name}{requirement.specifier} of {owner}"
                for requirement, owner in pairs
                if version is None or not requirement.specifier.contains(version, prereleases=True)
            }
        )
        if broken:
            found.append(Conflict(package, version, tuple(broken)))
    return found


def _walk_requirements(root: str) -> Iterator[tuple[Requirement, str]]:
    """All requirements that apply to this system, each with the name and version of its package."""
    pending: list[tuple[str, frozenset[str]]] = [(root, _find_installed_extras(root))]
    seen = set(pending)
    while pending:
        name, extras = pending.pop()
        installed = _find_distribution(name)
        if installed is None:
            continue
        for requirement in _applicable_requirements(installed, extras):
            yield requirement, f"{installed.metadata['Name']} {installed.version}"
            dependency = (canonicalize_name(requirement.name), frozenset(requirement.extras))
            if dependency not in seen:
                seen.add(dependency)
                pending.append(dependency)


def _find_installed_extras(name: str) -> frozenset[str]:
    """The extras of a package that are installed with all that they require."""
    installed = _find_distribution(name)
    if installed is None:
        return frozenset()

    base = {str(requirement) for requirement in _applicable_requirements(installed, frozenset())}

    def is_installed(extra: str) -> bool:
        required = _applicable_requirements(installed, frozenset({extra}))
        return all(str(one) in base or _find_distribution(one.name) is not None for one in required)

    return frozenset(filter(is_installed, installed.metadata.get_all("Provides-Extra") or ()))


def _applicable_requirements(installed: Distribution, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in installed.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # An old package's metadata; pip leaves such a line out too.
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement


def _find_distribution(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
