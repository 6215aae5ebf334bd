"""What goes into an image."""

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


@dataclass(frozen=True)
class Recipe:
    """A model folder and what is to be said about it. `python` is an interpreter with the packages it was made with."""

    name: str
    model: Path
    content: str
    python: Path
    base: str
    requirements: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


_PACKAGE = Path(airflow_mlcraft.__file__).parent
_SERVER = ("__init__.py", "errors.py", "common", "ml", "serving", "tracking")
"""What of this package serves a model: rooms and modules that know neither Airflow nor cwltool."""
_LEFT_OUT = ("tests", "__pycache__", "RECORD")
"""Of the packages: a fifth of their size, which nothing imports, and RECORD, which differs each time."""
_COMMANDS = ("bin", ".lock")
"""What else uv puts beside them."""
_SERVING = ["python", "-m", "airflow_mlcraft.serving", "--model", "/opt/mlcraft/model"]
_PLACE = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 - of the container


def dockerfile(recipe: Recipe) -> str:
    """The text of the Dockerfile."""
    text = (resources.files("airflow_mlcraft.deploying") / "Dockerfile").read_text("utf-8")
    for name, value in sorted(recipe.environment.items()):
        text += f"ENV {name}={json.dumps(value).replace('$', chr(92) + '$')}\n"
    return text + f"ENTRYPOINT {json.dumps([*_SERVING, *_PLACE, '--name', recipe.name])}\n"


def identity(recipe: Recipe, pins: str, base: str) -> str:
    """The same for images that would be the same: a hash over all that goes into one."""
    whole = hashlib.sha256()
    for part in (dockerfile(recipe), pins, base, json.dumps(dict(recipe.labels), sort_keys=True), recipe.content):
        whole.update(f"{len(part)}\0{part}".encode())
    for name, path in _server():
        whole.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def write(recipe: Recipe, pins: str, packages: Path, stream: BinaryIO) -> None:
    """The context as a tar, without times and owners: the same files give the same layers."""
    with tarfile.open(fileobj=stream, mode="w") as archive:
        _add_bytes(archive, "Dockerfile", dockerfile(recipe).encode())
        _add_bytes(archive, "requirements.txt", pins.encode())
        for name, path in [*_server(), *_below(recipe.model, "model"), *_packages(packages)]:
            with path.open("rb") as content:
                _add(archive, name, path.stat().st_size, content)


def _server() -> Iterator[tuple[str, Path]]:
    for part in _SERVER:
        path = _PACKAGE / part
        if path.is_file():
            yield f"server/{_PACKAGE.name}/{part}", path
        else:
            yield from _below(path, f"server/{_PACKAGE.name}/{part}", ("__pycache__",))


def _packages(folder: Path) -> Iterator[tuple[str, Path]]:
    for name, path in _below(folder, "packages", _LEFT_OUT):
        if path.relative_to(folder).parts[0] not in _COMMANDS:
            yield name, path


def _below(folder: Path, place: str, left_out: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts) & set(left_out):
            yield "/".join((place, *parts)), path


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    _add(archive, name, len(content), io.BytesIO(content))


def _add(archive: tarfile.TarFile, name: str, size: int, content: BinaryIO) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    archive.addfile(entry, content)
