"""What makes the same document compile to another plan: this compiler, or another cwltool."""

from functools import cache
from importlib.metadata import version

_COMPILER = 9


@cache
def compiler_version() -> str:
    """Part of every plan's digest."""
    return f"{_COMPILER}/{version('cwltool')}"
