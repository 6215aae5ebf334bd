"""Where runs are tracked, and the runs of a DAG run. A task writes to the spool; the sender does the rest."""

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
from airflow_mlcraft.tracking.names import DagRunName, StepName
from airflow_mlcraft.tracking.open_store import is_server, open_api
from airflow_mlcraft.tracking.parent_run import NOTE
from airflow_mlcraft.tracking.rest.connection import Credentials
from airflow_mlcraft.tracking.run import TrackedRun
from airflow_mlcraft.tracking.spool.spool import Spool, Writer

if TYPE_CHECKING:
    from airflow_mlcraft.tracking.api import Api, Version

_LOOK = 0.02
_AGAIN = 0.2

log = logging.getLogger(__name__)


class TrackingClient:
    """A tracking store, and the spool of what goes there.

    :param uri: address of a tracking server, or of any other store that MLflow knows, as sqlite:////folder/mlflow.db
    :param spool: folder of what is not sent yet
    :param experiment: the experiment of all runs; without it, each DAG has one of its name
    :param limit: seconds that a task may at most wait for the store, where it waits at all
    :param wait: whether each run waits until it is sent: for workers whose disk goes with them
    :param linger: seconds that the sender stays when there is nothing to send
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
        self.uri = _absolute(uri)
        self.experiment = experiment
        self.limit = limit
        self.wait = wait
        self.linger = linger
        self.credentials = credentials or Credentials.from_environment()
        # Each store has a spool of its own, so that a change of the setting never sends runs to the wrong one.
        self.spool = Spool(Path(spool).absolute() / hashlib.sha256(self.uri.encode()).hexdigest()[:12])

    def begin(
        self,
        flow: DagRunName,
        *,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """Make the parent run. The first task does, before there are others that would need it."""
        run = self._run(self._header(flow, tags))
        run.params(params or {})
        for path, text in (texts or {}).items():
            run.text(text, path)
        self._leave_open(run)

    def end(
        self,
        flow: DagRunName,
        status: str = "FINISHED",
        *,
        tags: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """End the parent run: FINISHED, FAILED or KILLED."""
        run = self._run(self._header(flow, tags))
        run.metrics(metrics or {})
        run.end(status)
        self._sent_off(run)

    @contextlib.contextmanager
    def step(
        self, name: StepName, *, tags: Mapping[str, Any] | None = None, parent: str | None = None
    ) -> Iterator[TrackedRun]:
        """The run of a step while it is worked on; an error ends it as FAILED, and goes on.

        `parent` is the id of the parent run, where it is known; otherwise it is found by its key.
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
        """Begin the run of a step; `close` has to follow. `above` is the step of which it is a part, if it is one."""
        header = {**self._header(name, tags), "parent": self._header(name.flow, None), "parent_id": parent}
        if above is not None:
            header["parent"] = {**self._header(above, None), "parent": header["parent"]}
        run = self._run(header)
        self._start_sender()
        return run

    def close(self, run: TrackedRun, status: str = "FINISHED") -> None:
        """End a run, and see to it that it is sent."""
        run.end(status)
        self._sent_off(run)

    def flush(self, limit: float | None = None) -> int:
        """Wait until all is sent, at most so many seconds; the number of runs of which something is left."""
        limit = self.limit if limit is None else limit
        if self.wait and is_server(self.uri):
            self._deliver_here(limit)
        else:
            self._start_sender()
            deadline = time.monotonic() + limit
            while self.spool.closed() and time.monotonic() < deadline:
                time.sleep(_LOOK)
        left = len(self.spool.closed())
        if left:
            log.warning("of %d runs something is still to be sent to %s: %s", left, self._where(), self._why())
        return left

    def pack(self) -> bytes:
        """What is not sent, for `adopt` on a worker whose disk stays; empty when all is sent."""
        from airflow_mlcraft.tracking.spool.spool_archive import pack

        return pack(self.spool)

    def adopt(self, parcel: bytes) -> None:
        """Send what another worker could not."""
        from airflow_mlcraft.tracking.spool.spool_archive import unpack

        unpack(self.spool, parcel)
        self._start_sender()

    def run_id(self, name: DagRunName | StepName, limit: float | None = None) -> str | None:
        """The id of a run, once it is made; None when it is not within so many seconds."""
        deadline = time.monotonic() + (self.limit if limit is None else limit)
        while (known := self.spool.run_of(name.key)) is None and time.monotonic() < deadline:
            time.sleep(_LOOK)
        return str(known["id"]) if known else None

    def made(self, name: DagRunName | StepName, limit: float = 60) -> None:
        """Wait until a store in a file is there: it breaks when mlflow makes it in two processes at once."""
        if not is_server(self.uri) and not self.spool.knows_a_run():
            self.run_id(name, limit)

    def link(self, name: DagRunName | StepName) -> str:
        """The page of a run, where a server has one; of a run that is still to be made, the page that will find it."""
        if not is_server(self.uri):
            return ""
        if known := self.spool.run_of(name.key):
            return f"{self._where()}/#/experiments/{known['experiment_id']}/runs/{known['id']}"
        if isinstance(name, StepName) and (above := self.spool.run_of(name.flow.key)):
            wanted = quote(f"tags.`{names.KEY}` = '{name.key}'")
            return f"{self._where()}/#/experiments/{above['experiment_id']}/runs?searchFilter={wanted}"
        return ""

    def champion(self, model: str) -> Version | None:
        """The champion of a registered model, once what was said before is sent; the sender knows it without import."""
        if is_server(self.uri):
            self.flush()
        else:
            from airflow_mlcraft.tracking.spool.champion_query import query_champion

            self._start_sender()
            with contextlib.suppress(TimeoutError):
                return query_champion(self.spool, model, self.limit)
        return registry.champion(self.api(), model)

    def api(self) -> Api:
        """The store itself, for what has to be known now. Where it is no server, this imports mlflow."""
        return open_api(self.uri, self.credentials, max(self.limit, 1))

    def environment(self, name: StepName | None = None) -> dict[str, str]:
        """The variables by which mlflow in code of the user's own finds the same store, and a run to stand below."""
        above = {NOTE: str(self.spool.note_of(name.key))} if name is not None else {}
        return {"MLFLOW_TRACKING_URI": self.uri, **self.credentials.environment(), **above}

    def _header(self, name: DagRunName | StepName, tags: Mapping[str, Any] | None) -> dict[str, Any]:
        flow = name.flow if isinstance(name, StepName) else name
        given = {key: str(value) for key, value in (tags or {}).items() if value not in (None, "")}
        return {
            "key": name.key,
            "name": name.title,
            "experiment": self.experiment or flow.dag_id,
            "start": int(time.time() * 1000),
            "tags": {**name.tags(), names.SOURCE: flow.dag_id, names.USER: _user(), **given},
        }

    def _run(self, header: Mapping[str, Any]) -> TrackedRun:
        writer: Writer | None = None
        try:
            writer = self.spool.writer(header["key"])
        except OSError as error:
            log.warning("the run is not tracked: the spool at %s cannot be written: %s", self.spool.root, error)
        return TrackedRun(writer, header)

    def _leave_open(self, run: TrackedRun) -> None:
        """Nothing more is said now, but the run goes on."""
        run.pause()
        self._sent_off(run)

    def _sent_off(self, run: TrackedRun) -> None:
        try:
            self._send_off()
        except OSError as error:
            # As when the spool has files of another user: it is no reason for a task to fail.
            log.warning("what was tracked is kept in %s, and not sent by this task: %s", self.spool.root, error)

    def _send_off(self) -> None:
        if self.wait:
            self.flush()
            return
        self._start_sender()
        if aside := self.spool.lately_set_aside():
            log.warning(
                "%d files of tracked runs could not be sent and are set aside, as %s; the file of the same name that "
                "ends with .reason says why",
                len(aside),
                aside[-1],
            )
        if trouble := self.spool.trouble():
            since = time.strftime("%H:%M:%S", time.localtime(trouble["since"]))
            log.warning(
                "the tracking store has taken nothing since %s (%s); what was tracked is kept in %s and sent later",
                since,
                trouble["reason"],
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

    def _deliver_here(self, limit: float) -> None:
        """In this process, within the limit: the disk, and any other process, goes when the task is done."""
        deadline = time.monotonic() + limit

        def deliver() -> None:
            while not self._delivered(deadline) and time.monotonic() + _AGAIN < deadline:
                time.sleep(_AGAIN)

        thread = threading.Thread(target=deliver, name="tracking", daemon=True)
        thread.start()
        thread.join(limit)

    def _delivered(self, deadline: float) -> bool:
        from airflow_mlcraft.tracking.spool.delivery import Deliverer

        try:
            api = open_api(self.uri, self.credentials, max(deadline - time.monotonic(), 0.1))
            Deliverer(self.spool, api).all(lambda: time.monotonic() < deadline)
            self.spool.note_trouble("")
        except (MlcraftError, OSError) as error:
            with contextlib.suppress(OSError):
                self.spool.note_trouble(str(error))
        return not self.spool.closed()

    def _where(self) -> str:
        return without_userinfo(self.uri).rstrip("/")

    def _why(self) -> str:
        trouble = self.spool.trouble()
        return trouble["reason"] if trouble else f"it took longer than {self.limit:g} s"


def _user() -> str:
    """Who runs this process, as mlflow tells it itself; somebody without a name in a container of another's."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _absolute(uri: str) -> str:
    """A database in a file, by its whole path: the sender has another current folder."""
    prefix = "sqlite:///"
    if uri.startswith(prefix) and not uri.startswith(prefix + "/"):
        return prefix + str(Path(uri[len(prefix) :]).absolute())
    return uri.rstrip("/")
