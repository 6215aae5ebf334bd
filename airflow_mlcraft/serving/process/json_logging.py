"""The log of the server's processes: JSON lines on standard error. Imports nothing heavy, for the supervisor's sake."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any


def configure_json_logging() -> None:
    """Let the process log to standard error, one JSON object per line."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": round(record.created, 3),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "pid": record.process,
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line, default=str)
