"""Names as MLflow takes them: it refuses a whole batch for one name that it does not like."""

from __future__ import annotations

import hashlib
import posixpath
import re

_LONGEST = 250
_BRACKETS = re.compile(r"[()\[\]{}<>\"'`]")
_OTHERS = re.compile(r"[^/\w.\- :]+")


def acceptable(name: str) -> str:
    """The name of a param, a metric or a tag: without brackets and quotes, and with _ for what else is refused."""
    plain = _OTHERS.sub("_", _BRACKETS.sub("", str(name)))
    # A name is a path to MLflow, which must not lead out of its folder.
    parts = [part for part in posixpath.normpath(plain).split("/") if part not in ("", ".", "..")]
    plain = "/".join(parts) or "_"
    if len(plain) <= _LONGEST:
        return plain
    return f"{plain[: _LONGEST - 9]}_{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
