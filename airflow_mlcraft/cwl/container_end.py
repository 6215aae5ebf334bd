"""End a container. The command that started it is only its client: the container outlives a client that is killed."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

_CIDFILE = "--cidfile="
# What an engine may take to answer; it goes on with what it was told.
_PATIENCE = 10.0


def end_container_of(command: Sequence[object]) -> None:
    """End the container that a command line has started, if it has started one."""
    words = [str(word) for word in command]
    for word in words:
        if word.startswith(_CIDFILE):
            end_container(Path(word.removeprefix(_CIDFILE)), words[0])


def end_container(cidfile: Path, engine: str) -> None:
    """End the container whose id is in a file; one that has ended, or has not begun, is none."""
    try:
        container = cidfile.read_text().strip()
    except OSError:
        return
    if container:
        kill = [engine, "kill", container]
        subprocess.run(kill, timeout=_PATIENCE, check=False, capture_output=True)  # noqa: S603
