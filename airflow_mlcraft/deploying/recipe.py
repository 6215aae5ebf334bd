"""What goes into an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


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
