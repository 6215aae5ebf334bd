"""The server's log: a JSON object a line, on standard error."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any


def log_as_json() -> None:
    """For everything that this process logs from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Lines(logging.Formatter):
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
