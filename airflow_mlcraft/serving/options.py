"""The options of a server process."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

KEY_VARIABLE = "MLCRAFT_API_KEY"
SELF_TEST_HEADER = "x-mlcraft-self-test"


@dataclass(frozen=True)
class Options:
    """Options of the command line. Limits hold for each worker; the API key is in the environment, hidden from `ps`."""

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
    """The value of SELF_TEST_HEADER that keeps a roll-out's smoke tests out of counts and logs; the socket gives it."""
