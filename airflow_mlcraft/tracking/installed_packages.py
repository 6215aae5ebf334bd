"""The installed packages that modules belong to, by the lists of files that installers write (`RECORD`)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def find_package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that loaded modules belong to, by the packages' names.

    `importlib.metadata.packages_distributions` parses the metadata of everything that is installed, which takes
    0.2 s; here the lists are searched as bytes for the few files needed, in a twentieth of that.
    """
    found = {}
    for name in sorted(set(modules)):
        if name.partition(".")[0] not in sys.stdlib_module_names and (found_package := _find_package(name)):
            found[found_package[0]] = found_package[1]
    return found


@cache
def _find_package(module: str) -> tuple[str, str] | None:
    package = _find_distribution(getattr(sys.modules.get(module), "__file__", None))
    if package is None:
        # Without a RECORD, as in packages of a Linux distribution, only a package of the module's own name is found.
        try:
            package = distribution(module.partition(".")[0])
        except PackageNotFoundError:
            return None
    name, version = package.metadata["Name"], package.version
    return (name, version) if name and version else None


def _find_distribution(file: str | None) -> Distribution | None:
    for folder in sys.path if file else ():
        if file and folder and file.startswith(f"{folder}/"):
            line = f"\n{file[len(folder) + 1 :]},".encode()
            for info, record in _read_records(folder):
                if line in record:
                    return Distribution.at(info)
    return None


@cache
def _read_records(folder: str) -> list[tuple[Path, bytes]]:
    """Return the file lists (`RECORD`) of all packages in a folder of `sys.path`."""
    found = []
    for info in sorted(Path(folder).glob("*.dist-info")):
        try:
            found.append((info, b"\n" + (info / "RECORD").read_bytes()))
        except OSError:
            continue
    return found
