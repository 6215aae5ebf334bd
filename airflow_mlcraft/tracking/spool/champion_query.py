"""Who is champion in a store that is no server: the sender is asked, which has mlflow loaded already.

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

_LOOK = 0.02


def query_champion(spool: Spool, model: str, seconds: float) -> Version | None:
    """The champion of a registered model, after all that is closed by now. TimeoutError when nobody answers."""
    token = secrets.token_hex(8)
    question, answer = spool.root / "asked" / token, spool.root / "answered" / token
    write_atomically(question, model.encode())
    try:
        deadline = time.monotonic() + seconds
        while not answer.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the sender of {spool.root} has not answered within {seconds:g} s")
            time.sleep(_LOOK)
        found = json.loads(answer.read_bytes())
    finally:
        question.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
    if "error" in found:
        raise RefusedError(found["error"])
    return Version(**found["champion"]) if found["champion"] else None


def find_queries(spool: Spool) -> list[Path]:
    """What is asked just now."""
    return [path for path in (spool.root / "asked").glob("*") if not path.name.startswith(".")]


def answer_queries(asked: list[Path], api: Api) -> None:
    """Answer questions that were there before what is closed was delivered. Raises UnreachableError."""
    for question in asked:
        # Who asked may have gone; and what the store cannot do now, it is asked again.
        with suppress(FileNotFoundError, BusyError):
            answer = json.dumps(_answer(api, question.read_text()))
            write_atomically(question.parents[1] / "answered" / question.name, answer.encode())
            question.unlink()


def _answer(api: Api, model: str) -> dict[str, object]:
    try:
        found = registry.champion(api, model)
    except RefusedError as error:
        return {"error": str(error)}
    return {"champion": asdict(found) if found else None}
