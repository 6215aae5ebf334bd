"""The jar: the compiled class, and the command that it starts. The same command results in the same bytes."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from airflow_mlcraft import __version__
from airflow_mlcraft.errors import MlcraftError

CLASS = "dev/mlcraft/ComposerExecutor.class"
RUNNER = "mlcraft-cwl-runner"
# The earliest time that a zip file can hold.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_UNIX = 3


def runner_path() -> Path:
    """The runner of this Python's environment, or else the one on the PATH."""
    beside = Path(sys.executable).with_name(RUNNER)
    found = beside if beside.is_file() else Path(shutil.which(RUNNER) or "")
    if not found.is_file():
        raise MlcraftError(f"there is no {RUNNER} beside {sys.executable} nor on the PATH; name it with --runner")
    return found.absolute()


def build_jar(command: Sequence[str]) -> bytes:
    """The jar that starts a command, which is given as a list of words."""
    if with_line_break := [word for word in command if "\n" in word or "\r" in word]:
        raise MlcraftError(f"{with_line_break[0]!r} has a line break, which the jar cannot keep")
    compiled = files(__package__).joinpath("ComposerExecutor.class").read_bytes()
    return _build_zip(
        {
            # Java requires the manifest to be the first entry.
            "META-INF/MANIFEST.MF": _manifest(),
            "command": "".join(f"{word}\n" for word in command).encode(),
            CLASS: compiled,
        }
    )


def _manifest() -> bytes:
    lines = (
        "Manifest-Version: 1.0",
        f"Main-Class: {CLASS.removesuffix('.class').replace('/', '.')}",
        f"Implementation-Version: {__version__}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _build_zip(entries: Mapping[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, _TIMESTAMP)
            info.external_attr, info.create_system = _READABLE, _UNIX
            # Not compressed: compressed bytes depend on the version of zlib.
            archive.writestr(info, content, zipfile.ZIP_STORED)
    return out.getvalue()
