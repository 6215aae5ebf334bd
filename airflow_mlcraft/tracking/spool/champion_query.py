"""Queries for the champion in a store that is not a server, answered by the sender, which has mlflow loaded.

asked/<token>      the name of a registered model
answered/<token>   its champion
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.tracking import registry
from airflow_mlcraft.tracking.api import Api, BusyError, RefusedError, Version
from airflow_mlcraft.tracking.spool.spool import Spool

_POLL_SECONDS = 0.02


def query_champion(spool: Spool, model: str, seconds: float) -> Version | None:
    """Return the champion after all files closed by now are delivered. Raises TimeoutError without an answer."""
    token = secrets.token_hex(8)
    query, answer = spool.root / "asked" / token, spool.root / "answered" / token
    write_atomically(query, model.encode())
    try:
        deadline = time.monotonic() + seconds
        while not answer.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the sender of {spool.root} has not answered within {seconds:g} s")
            time.sleep(_POLL_SECONDS)
        found = json.loads(answer.read_bytes())
    finally:
        query.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
    if "error" in found:
        raise RefusedError(found["error"])
    return Version(**found["champion"]) if found["champion"] else None


def find_queries(spool: Spool) -> list[Path]:
    """Return the files of unanswered queries."""
    return [path for path in (spool.root / "asked").glob("*") if not path.name.startswith(".")]


def answer_queries(queries: list[Path], api: Api) -> None:
    """Answer queries. They were listed before the last delivery, which hence precedes them. Raises UnreachableError."""
    for query in queries:
        # The query may have been withdrawn after a timeout. After a BusyError it stays and is answered later.
        with suppress(FileNotFoundError, BusyError):
            answer = json.dumps(_answer(api, query.read_text()))
            write_atomically(query.parents[1] / "answered" / query.name, answer.encode())
            query.unlink()


def _answer(api: Api, model: str) -> dict[str, object]:
    try:
        found = registry.get_champion(api, model)
    except RefusedError as error:
        return {"error": str(error)}
    return {"champion": asdict(found) if found else None}
