"""The build context of a model's image: Dockerfile, requirements, packages, server code and model as a tar."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import BinaryIO

import airflow_mlcraft
from airflow_mlcraft.common.hashing import sha256_of_file


@dataclass(frozen=True)
class ImageRecipe:
    """What an image is built from. `python` is an interpreter with the packages that the model was trained with."""

    name: str
    model: Path
    content: str
    python: Path
    base: str
    requirements: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


_PACKAGE = Path(airflow_mlcraft.__file__).parent
_SERVER_PARTS = ("__init__.py", "errors.py", "adapters", "common", "ml", "serving", "tracking")
"""The parts of this package that serve a model. They import neither Airflow nor cwltool."""
_EXCLUDED_FROM_PACKAGES = ("tests", "__pycache__", "RECORD")
"""Not copied from packages: tests, a fifth of their size, and RECORD, which differs with each installation."""
_EXCLUDED_AT_TOP = ("bin", ".lock")
"""Entries that uv writes beside the packages."""
_COMMAND = ["python", "-m", "airflow_mlcraft.serving", "--model", "/opt/mlcraft/model"]
_ADDRESS = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 - of the container


def build_dockerfile(recipe: ImageRecipe) -> str:
    """The Dockerfile, with the image's environment and entry point."""
    text = (resources.files("airflow_mlcraft.deploying") / "Dockerfile").read_text("utf-8")
    for name, value in sorted(recipe.environment.items()):
        text += f"ENV {name}={json.dumps(value).replace('$', chr(92) + '$')}\n"
    return text + f"ENTRYPOINT {json.dumps([*_COMMAND, *_ADDRESS, '--name', recipe.name])}\n"


def compute_identity(recipe: ImageRecipe, pins: str, base: str) -> str:
    """A hash over everything that goes into an image: equal for equal images."""
    digest = hashlib.sha256()
    for part in (build_dockerfile(recipe), pins, base, json.dumps(dict(recipe.labels), sort_keys=True), recipe.content):
        digest.update(f"{len(part)}\0{part}".encode())
    for name, path in _list_server_files():
        digest.update(f"{name}\0{sha256_of_file(path)}\n".encode())
    return digest.hexdigest()


def write_context(recipe: ImageRecipe, pins: str, packages: Path, stream: BinaryIO) -> None:
    """Write the context as a tar without times and owners, so that equal files give equal layers."""
    with tarfile.open(fileobj=stream, mode="w") as archive:
        _add_bytes(archive, "Dockerfile", build_dockerfile(recipe).encode())
        _add_bytes(archive, "requirements.txt", pins.encode())
        for name, path in [*_list_server_files(), *_list_files(recipe.model, "model"), *_list_package_files(packages)]:
            with path.open("rb") as content:
                _add(archive, name, path.stat().st_size, content)


def _list_server_files() -> Iterator[tuple[str, Path]]:
    for part in _SERVER_PARTS:
        path = _PACKAGE / part
        if path.is_file():
            yield f"server/{_PACKAGE.name}/{part}", path
        else:
            yield from _list_files(path, f"server/{_PACKAGE.name}/{part}", ("__pycache__",))


def _list_package_files(folder: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _list_files(folder, "packages", _EXCLUDED_FROM_PACKAGES):
        if path.relative_to(folder).parts[0] not in _EXCLUDED_AT_TOP:
            yield name, path


def _list_files(folder: Path, target: str, excluded: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts) & set(excluded):
            yield "/".join((target, *parts)), path


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    _add(archive, name, len(content), io.BytesIO(content))


def _add(archive: tarfile.TarFile, name: str, size: int, content: BinaryIO) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    archive.addfile(entry, content)
