"""The sender: one process for each spool that delivers it, started by the first task and ended when idle.

Tasks do not wait for it. It imports mlflow once if the store needs it, and runs at a lower priority than the steps.
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
from airflow_mlcraft.tracking.api import Api, Credentials, RefusedError, UnreachableError
from airflow_mlcraft.tracking.open_store import open_api
from airflow_mlcraft.tracking.spool.champion_query import answer_queries, find_queries
from airflow_mlcraft.tracking.spool.delivery import Deliverer
from airflow_mlcraft.tracking.spool.spool import Spool

LINGER = 30.0
_POLL_SECONDS = 0.1
_MAX_PAUSE = 10.0
_GIVE_UP_SECONDS = 3600.0
_STUCK_SECONDS = 600.0
_NOTE_SECONDS = 30 * 86400.0
_LOG_LIMIT = 1_000_000

log = logging.getLogger(__name__)
_started: list[subprocess.Popen[bytes]] = []


def ensure_sender(root: Path, uri: str, credentials: Credentials, linger: float = LINGER) -> None:
    """Start the sender of a spool, unless it is running."""
    _started[:] = [process for process in _started if process.poll() is None]
    with locked_if_free(root / "sender.lock") as lock:
        if lock is None:
            return
    environment = {**without_task_mark(os.environ), **credentials.environment(), "MLFLOW_TRACKING_URI": uri}
    # MLFLOW_RUN_ID is meant for the code of the task, not for the sender.
    environment.pop("MLFLOW_RUN_ID", None)
    with _open_log_file(root) as output:
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
    """Polls the spool and delivers its files."""

    def __init__(self, root: Path, uri: str, credentials: Credentials, linger: float = LINGER):
        self._spool = Spool(root)
        self._uri = uri
        self._credentials = credentials
        self._linger = linger
        self._api: Api | None = None
        self._deliverer: Deliverer | None = None

    def run(self) -> None:
        """Deliver until nothing was to do for `linger` seconds, or the store has not answered for an hour."""
        last_busy = last_answer = time.monotonic()
        pause = _POLL_SECONDS
        while self._spool.root.is_dir() and time.monotonic() - last_answer < _GIVE_UP_SECONDS:
            try:
                delivered = self._deliver()
            except (UnreachableError, RefusedError) as error:
                log.warning("nothing can be sent: %s", error)
                self._spool.save_delivery_error(str(error))
                pause = min(max(pause, 0.5) * 2, _MAX_PAUSE)
                last_busy = time.monotonic()
                time.sleep(pause)
                continue
            last_answer = time.monotonic()
            pause = _POLL_SECONDS
            if delivered or self._has_open_runs():
                last_busy = time.monotonic()
            elif time.monotonic() - last_busy > (_STUCK_SECONDS if self._spool.list_pending() else self._linger):
                return
            time.sleep(pause)

    def _deliver(self) -> bool:
        queries = find_queries(self._spool)
        if not queries and not self._spool.list_pending():
            return False
        if self._api is None or self._deliverer is None:
            self._api = open_api(self._uri, self._credentials)
            self._deliverer = Deliverer(self._spool, self._api)
        delivered = self._deliverer.deliver_all()
        answer_queries(queries, self._api)
        self._spool.save_delivery_error("")
        return delivered or bool(queries)

    def _has_open_runs(self) -> bool:
        """Whether a writer still has its file open."""
        pending = self._spool.list_pending()
        return len(pending) > len(self._spool.list_closed())

    def remove_old_notes(self) -> None:
        """Remove the notes of old runs, and old answers that were not read."""
        for note in (*(self._spool.root / "runs").glob("*"), *(self._spool.root / "answered").glob("*")):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - note.stat().st_mtime > _NOTE_SECONDS:
                    note.unlink()


def main(root: Path, linger: float) -> None:
    """Run as the sender of a spool. Files that arrive between the last poll and the unlocking are sent too."""
    os.nice(5)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    sender = Sender(root, os.environ["MLFLOW_TRACKING_URI"], Credentials.from_environment(), linger)
    while root.is_dir():
        with locked_if_free(root / "sender.lock") as lock:
            if lock is None:
                return
            sender.run()
            sender.remove_old_notes()
        if not Spool(root).list_pending() or Spool(root).read_delivery_error():
            return


def _open_log_file(root: Path) -> IO[bytes]:
    path = root / "sender.log"
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > _LOG_LIMIT:
            path.replace(root / "sender.log.1")
    return path.open("ab")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
