"""How a server runs: what its command line and its environment say."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

KEY_VARIABLE = "MLCRAFT_API_KEY"
SELF_TEST_HEADER = "x-mlcraft-self-test"


@dataclass(frozen=True)
class Options:
    """Limits hold for each worker process. The API key is in the environment only, where `ps` does not show it."""

    model: Path
    name: str = "model"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    state: Path | None = None
    max_body: int = 16 << 20
    max_rows: int = 10_000
    max_waiting: int = 256
    timeout: float = 30.0
    grace: float = 30.0
    window: float = 60.0
    log_predictions: Path | None = None
    log_sample: float = 1.0
    log_bytes: int = 64 << 20
    log_files: int = 8
    access_log: bool = True
    self_test: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    """What marks requests that try a model out: they are no predictions of anybody's. Only the admin socket tells."""
