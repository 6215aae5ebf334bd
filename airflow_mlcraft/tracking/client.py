"""The client by which tasks track runs: it writes to the spool, from which the sender process sends to MLflow."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_mlcraft.common.urls import without_userinfo
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking import registry
from airflow_mlcraft.tracking import tags as names
from airflow_mlcraft.tracking.api import Credentials
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.open_store import is_server, open_api
from airflow_mlcraft.tracking.parent_run import NOTE
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.spool.spool import Spool, Writer

if TYPE_CHECKING:
    from airflow_mlcraft.tracking.api import Api, Version

_POLL_SECONDS = 0.02
_RETRY_SECONDS = 0.2

log = logging.getLogger(__name__)


class TrackingClient:
    """A tracking store, and the spool of records to send there.

    :param uri: address of a tracking server, or of any other store that MLflow knows, as sqlite:////folder/mlflow.db
    :param spool: folder of the records that are not sent yet
    :param experiment: the experiment of all runs; without it, each DAG has one of its name
    :param limit: seconds that a task waits for the store at most, if it waits at all
    :param wait: whether the end of each run waits until it is sent: for workers whose disk is deleted with them
    :param linger: seconds that the sender process stays alive with nothing to send
    """

    def __init__(
        self,
        uri: str,
        *,
        spool: str | os.PathLike[str],
        experiment: str = "",
        limit: float = 5,
        wait: bool = False,
        linger: float = 30,
        credentials: Credentials | None = None,
    ):
        self.uri = _with_absolute_path(uri)
        self.experiment = experiment
        self.limit = limit
        self.wait = wait
        self.linger = linger
        self.credentials = credentials or Credentials.from_environment()
        # Each store has a spool of its own, so that a change of the setting never sends runs to the wrong one.
        self.spool = Spool(Path(spool).absolute() / hashlib.sha256(self.uri.encode()).hexdigest()[:12])

    def begin(
        self,
        dag_run: DagRunName,
        *,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Create the run of a DAG run, the parent of its steps' runs. The first task calls this before others start."""
        run = self._run(self._header(dag_run, tags))
        run.params(params or {})
        for path, text in (texts or {}).items():
            run.text(text, path)
        self._pause(run)

    def end(
        self,
        dag_run: DagRunName,
        status: str = "FINISHED",
        *,
        tags: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """End the run of a DAG run with the status FINISHED, FAILED or KILLED."""
        run = self._run(self._header(dag_run, tags))
        run.metrics(metrics or {})
        run.end(status)
        self._send_or_warn(run)

    @contextlib.contextmanager
    def step(
        self, name: StepName, *, tags: Mapping[str, Any] | None = None, parent: str | None = None
    ) -> Iterator[TrackedRun]:
        """Track a step in a block; an exception ends the run as FAILED, and is raised again.

        `parent` is the id of the parent run if it is known; otherwise it is found by its key.
        """
        run = self.open(name, tags=tags, parent=parent)
        try:
            yield run
        except BaseException as error:
            self.close(run, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        self.close(run)

    def open(
        self,
        name: StepName,
        *,
        tags: Mapping[str, Any] | None = None,
        parent: str | None = None,
        above: StepName | None = None,
    ) -> TrackedRun:
        """Begin the run of a step, to be ended by `close`. `above` is the step whose run is the parent, if any."""
        header = {**self._header(name, tags), "parent": self._header(name.dag_run, None), "parent_id": parent}
        if above is not None:
            header["parent"] = {**self._header(above, None), "parent": header["parent"]}
        run = self._run(header)
        self._start_sender()
        return run

    def close(self, run: TrackedRun, status: str = "FINISHED") -> None:
        """End a run and send it."""
        run.end(status)
        self._send_or_warn(run)

    def flush(self, limit: float | None = None) -> int:
        """Wait until all is sent, at most `limit` seconds; return the number of runs that are not fully sent."""
        limit = self.limit if limit is None else limit
        if self.wait and is_server(self.uri):
            self._deliver_in_process(limit)
        else:
            self._start_sender()
            deadline = time.monotonic() + limit
            while self.spool.list_closed() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        unsent = len(self.spool.list_closed())
        if unsent:
            log.warning(
                "of %d runs something is still to be sent to %s: %s", unsent, self._masked_uri(), self._delay_reason()
            )
        return unsent

    def pack(self) -> bytes:
        """Return the unsent records as an archive, for `adopt` on another worker; b"" when all is sent."""
        from airflow_mlcraft.tracking.spool.spool_archive import pack

        return pack(self.spool)

    def adopt(self, archive: bytes) -> None:
        """Unpack the archive of another worker's unsent records, and send them."""
        from airflow_mlcraft.tracking.spool.spool_archive import unpack

        unpack(self.spool, archive)
        self._start_sender()

    def wait_for_run_id(self, name: DagRunName | StepName, limit: float | None = None) -> str | None:
        """Return the id of a run once it is created; None if it is not within `limit` seconds."""
        deadline = time.monotonic() + (self.limit if limit is None else limit)
        while (saved := self.spool.find_run(name.key)) is None and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return str(saved["id"]) if saved else None

    def wait_for_store(self, name: DagRunName | StepName, limit: float = 60) -> None:
        """Wait until a store in a file is created: two processes must not create it with mlflow at the same time."""
        if not is_server(self.uri) and not self.spool.has_runs():
            self.wait_for_run_id(name, limit)

    def run_url(self, name: DagRunName | StepName) -> str:
        """Return the URL of a run's page on a server; for a run not created yet, of a search that will find it."""
        if not is_server(self.uri):
            return ""
        if saved := self.spool.find_run(name.key):
            return f"{self._masked_uri()}/#/experiments/{saved['experiment_id']}/runs/{saved['id']}"
        if isinstance(name, StepName) and (parent := self.spool.find_run(name.dag_run.key)):
            query = quote(f"tags.`{names.KEY}` = '{name.key}'")
            return f"{self._masked_uri()}/#/experiments/{parent['experiment_id']}/runs?searchFilter={query}"
        return ""

    def get_champion(self, model: str) -> Version | None:
        """Return the champion of a registered model, after all earlier records are sent; needs no import of mlflow."""
        if is_server(self.uri):
            self.flush()
        else:
            from airflow_mlcraft.tracking.spool.champion_query import query_champion

            self._start_sender()
            with contextlib.suppress(TimeoutError):
                return query_champion(self.spool, model, self.limit)
        return registry.get_champion(self.api(), model)

    def api(self) -> Api:
        """Open the store for direct requests. If it is not a server, this imports mlflow."""
        return open_api(self.uri, self.credentials, max(self.limit, 1))

    def environment(self, name: StepName | None = None) -> dict[str, str]:
        """Return environment variables with which mlflow in the user's code uses the same store and this parent run."""
        parent = {NOTE: str(self.spool.run_note_path(name.key))} if name is not None else {}
        return {"MLFLOW_TRACKING_URI": self.uri, **self.credentials.environment(), **parent}

    def _header(self, name: DagRunName | StepName, tags: Mapping[str, Any] | None) -> dict[str, Any]:
        dag_run = name.dag_run if isinstance(name, StepName) else name
        given = {key: str(value) for key, value in (tags or {}).items() if value not in (None, "")}
        return {
            "key": name.key,
            "name": name.title,
            "experiment": self.experiment or dag_run.dag_id,
            "start": int(time.time() * 1000),
            "tags": {**name.tags(), names.SOURCE: dag_run.dag_id, names.USER: _user_name(), **given},
        }

    def _run(self, header: Mapping[str, Any]) -> TrackedRun:
        writer: Writer | None = None
        try:
            writer = self.spool.writer(header["key"])
        except OSError as error:
            log.warning("the run is not tracked: the spool at %s cannot be written: %s", self.spool.root, error)
        return TrackedRun(writer, header)

    def _pause(self, run: TrackedRun) -> None:
        """Send what is recorded so far, without ending the run."""
        run.pause()
        self._send_or_warn(run)

    def _send_or_warn(self, run: TrackedRun) -> None:
        try:
            self._send()
        except OSError as error:
            # For example when the spool has files of another user; a task must not fail by it.
            log.warning("what was tracked is kept in %s, and not sent by this task: %s", self.spool.root, error)

    def _send(self) -> None:
        if self.wait:
            self.flush()
            return
        self._start_sender()
        if set_aside := self.spool.list_recently_set_aside():
            log.warning(
                "%d files of tracked runs could not be sent and are set aside, as %s; the file of the same name that "
                "ends with .reason says why",
                len(set_aside),
                set_aside[-1],
            )
        if last_error := self.spool.read_delivery_error():
            since = time.strftime("%H:%M:%S", time.localtime(last_error["since"]))
            log.warning(
                "the tracking store has taken nothing since %s (%s); what was tracked is kept in %s and sent later",
                since,
                last_error["reason"],
                self.spool.root,
            )

    def _start_sender(self) -> None:
        from airflow_mlcraft.tracking.spool.sender import ensure_sender

        if self.wait and is_server(self.uri):
            return
        try:
            self.spool.root.mkdir(parents=True, exist_ok=True)
            ensure_sender(self.spool.root, self.uri, self.credentials, self.linger)
        except OSError as error:
            log.warning("nothing is sent now: the sender cannot be started: %s", error)

    def _deliver_in_process(self, limit: float) -> None:
        """Deliver in this process, within the limit: the disk and all other processes may be gone after the task."""
        deadline = time.monotonic() + limit

        def deliver() -> None:
            while not self._try_delivery(deadline) and time.monotonic() + _RETRY_SECONDS < deadline:
                time.sleep(_RETRY_SECONDS)

        thread = threading.Thread(target=deliver, name="tracking", daemon=True)
        thread.start()
        thread.join(limit)

    def _try_delivery(self, deadline: float) -> bool:
        from airflow_mlcraft.tracking.spool.delivery import Deliverer

        try:
            api = open_api(self.uri, self.credentials, max(deadline - time.monotonic(), 0.1))
            Deliverer(self.spool, api).deliver_all(lambda: time.monotonic() < deadline)
            self.spool.save_delivery_error("")
        except (MlcraftError, OSError) as error:
            with contextlib.suppress(OSError):
                self.spool.save_delivery_error(str(error))
        return not self.spool.list_closed()

    def _masked_uri(self) -> str:
        return without_userinfo(self.uri).rstrip("/")

    def _delay_reason(self) -> str:
        last_error = self.spool.read_delivery_error()
        return last_error["reason"] if last_error else f"it took longer than {self.limit:g} s"


def _user_name() -> str:
    """Return the user name as mlflow does; "unknown" if the user has no entry, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _with_absolute_path(uri: str) -> str:
    """Return the URI with an absolute path to a SQLite database: the sender has another working folder."""
    prefix = "sqlite:///"
    if uri.startswith(prefix) and not uri.startswith(prefix + "/"):
        return prefix + str(Path(uri[len(prefix) :]).absolute())
    return uri.rstrip("/")
