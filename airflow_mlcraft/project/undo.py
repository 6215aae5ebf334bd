"""Several files are changed together, or none is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def all_or_nothing(*paths: Path) -> Iterator[None]:
    """When what is done here fails, or is interrupted, these files are again as they were."""
    before = {path: (path.read_bytes(), path.stat().st_mode) if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, found in before.items():
            if found is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != found[0]:
                path.write_bytes(found[0])
                path.chmod(found[1])
        raise
