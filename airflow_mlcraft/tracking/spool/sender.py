"""The process that delivers a spool: one for each, started by who has something to send, gone when it is long idle.

A task pays nothing for it. It imports mlflow where the store needs that, once, and is nice to the steps it runs beside.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from airflow_mlcraft.common.environment_variables import without_task_mark
from airflow_mlcraft.common.locks import locked_if_free
from airflow_mlcraft.tracking.api import Api, RefusedError, UnreachableError
from airflow_mlcraft.tracking.open_store import open_api
from airflow_mlcraft.tracking.rest.connection import Credentials
from airflow_mlcraft.tracking.spool.champion_query import answer_queries, find_queries
from airflow_mlcraft.tracking.spool.delivery import Deliverer
from airflow_mlcraft.tracking.spool.spool import Spool

LINGER = 30.0
_LOOK = 0.1
_LONGEST_PAUSE = 10.0
_GIVE_UP = 3600.0
_STUCK = 600.0
_KEEP_NOTES = 30 * 86400.0
_LOG_LIMIT = 1_000_000

log = logging.getLogger(__name__)
_started: list[subprocess.Popen[bytes]] = []


def ensure_sender(root: Path, uri: str, credentials: Credentials, linger: float = LINGER) -> None:
    """Start the sender of a spool, unless it is there."""
    _started[:] = [process for process in _started if process.poll() is None]
    with locked_if_free(root / "sender.lock") as lock:
        if lock is None:
            return
    environment = {**without_task_mark(os.environ), **credentials.environment(), "MLFLOW_TRACKING_URI": uri}
    # A run that was set for the task's own code is not the sender's.
    environment.pop("MLFLOW_RUN_ID", None)
    with _log_file(root) as output:
        _started.append(
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", __name__, str(root), str(linger)],
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        )


class Sender:
    """Looks into the spool again and again."""

    def __init__(self, root: Path, uri: str, credentials: Credentials, linger: float = LINGER):
        self._spool = Spool(root)
        self._uri = uri
        self._credentials = credentials
        self._linger = linger
        self._api: Api | None = None
        self._deliverer: Deliverer | None = None

    def run(self) -> None:
        """Until there has been nothing to do for a while, or nobody to send it to for long."""
        busy = answered = time.monotonic()
        pause = _LOOK
        while self._spool.root.is_dir() and time.monotonic() - answered < _GIVE_UP:
            try:
                moved = self._look()
            except (UnreachableError, RefusedError) as error:
                log.warning("nothing can be sent: %s", error)
                self._spool.note_trouble(str(error))
                pause = min(max(pause, 0.5) * 2, _LONGEST_PAUSE)
                busy = time.monotonic()
                time.sleep(pause)
                continue
            answered = time.monotonic()
            pause = _LOOK
            if moved or self._open():
                busy = time.monotonic()
            elif time.monotonic() - busy > (_STUCK if self._spool.waiting() else self._linger):
                return
            time.sleep(pause)

    def _look(self) -> bool:
        asked = find_queries(self._spool)
        if not asked and not self._spool.waiting():
            return False
        if self._api is None or self._deliverer is None:
            self._api = open_api(self._uri, self._credentials)
            self._deliverer = Deliverer(self._spool, self._api)
        moved = self._deliverer.all()
        answer_queries(asked, self._api)
        self._spool.note_trouble("")
        return moved or bool(asked)

    def _open(self) -> bool:
        """Whether some run is still going on."""
        waiting = self._spool.waiting()
        return len(waiting) > len(self._spool.closed())

    def tidy(self) -> None:
        """Forget runs of long ago, and answers that nobody has fetched."""
        for note in (*(self._spool.root / "runs").glob("*"), *(self._spool.root / "answered").glob("*")):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - note.stat().st_mtime > _KEEP_NOTES:
                    note.unlink()


def main(root: Path, linger: float) -> None:
    """Be the sender of a spool. Who came between the last look and the end is looked after as well."""
    os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    sender = Sender(root, os.environ["MLFLOW_TRACKING_URI"], Credentials.from_environment(), linger)
    while root.is_dir():
        with locked_if_free(root / "sender.lock") as lock:
            if lock is None:
                return
            sender.run()
            sender.tidy()
        if not Spool(root).waiting() or Spool(root).trouble():
            return


def _log_file(root: Path) -> IO[bytes]:
    path = root / "sender.log"
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _LOG_LIMIT:
            path.replace(root / "sender.log.1")
    return path.open("ab")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
