"""The DAGs of a folder of documents, as far as a parse has time for them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from airflow.sdk import DAG

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.cwl.waiting import LOG, last_words, leave
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.parse_time import seconds_to_build, seconds_to_wait
from airflow_mlcraft.errors import DocumentError, MlcraftError, SeveralProcessesError
from airflow_mlcraft.layout.task_ids import MAX_LENGTH, TaskIds
from airflow_mlcraft.operators.base import plan_cache

log = logging.getLogger(__name__)

Look: TypeAlias = "Callable[[Path, str], Plan | None]"
Found: TypeAlias = "list[tuple[str, Plan | MlcraftError | None]]"
"""What there is to a document: DAG ids, each with its plan, its error, or nothing yet."""
_GLANCE = 0.05
"""Seconds between two looks at what is being compiled."""


class Document(NamedTuple):
    """A document, and the id of its DAG."""

    dag_id: str
    path: Path


@dataclass
class Folder:
    """The documents below a folder."""

    root: Path
    documents: list[Document]
    dag_args: dict[str, Any]
    cache: PlanCache = field(default_factory=plan_cache)
    started: float = field(default_factory=time.monotonic)

    def dag(self, wanted: str) -> Iterator[DAG]:
        """The one DAG of that id, its document compiled if need be."""
        for document in self._candidates(wanted):
            for dag_id, plan in self.look(document, self.cache.plan_of):
                if dag_id == wanted and plan is not None:
                    yield self._dag(dag_id, document.path, plan)
                    return

    def dags(self, documents: list[Document], part: tuple[int, int] = (1, 1)) -> Iterator[DAG]:
        """The DAGs of these documents. One that is not compiled in time stays as it was when it was compiled last."""
        waiting: deque[Document] = deque()
        end = self.started + seconds_to_build()
        for number, document in enumerate(documents):
            found = self.look(document, self.cache.ready)
            if any(plan is None for _, plan in found):
                waiting.append(document)
                continue
            if time.monotonic() > end:
                yield self._left_out(len(documents) - number)
                return
            yield from self._dags(document, found)
        if waiting:
            waiting = deque(sorted(waiting, key=_size))
            yield from self._compiled_in_time(waiting, f"{self.root} {part}")
        for document in waiting:
            yield from self._dags(document, self.look(document, self.cache.last))

    def look(self, document: Document, look: Look) -> Found:
        """What a document comes to, as one of the cache's ways to ask for a plan tells."""
        try:
            return [(document.dag_id, look(document.path, ""))]
        except SeveralProcessesError as several:
            return [
                (dag_id, _plan_or_error(look, document.path, name))
                for dag_id, name in self._ids(document.dag_id, several.names)
            ]
        except MlcraftError as error:
            return [(document.dag_id, error)]

    def _compiled_in_time(self, waiting: deque[Document], name: str) -> Iterator[DAG]:
        """Have documents compiled, and take off `waiting` those that are ready soon enough."""
        list_name = hashlib.sha256(name.encode()).hexdigest()[:16]
        process = leave(self.cache, list_name, [document.path for document in waiting])
        end = self.started + seconds_to_wait()
        while waiting and time.monotonic() < end:
            ended = process is not None and process.poll() is not None
            found = self.look(waiting[0], self.cache.ready)
            if all(plan is not None for _, plan in found):
                yield from self._dags(waiting.popleft(), found)
            elif ended:
                break
            else:
                time.sleep(_GLANCE)
        if process is not None and process.poll():
            log.error(
                "%d documents below %s cannot be compiled: the process that does so has failed (%s); %s says more",
                len(waiting),
                self.root,
                last_words(self.cache.root),
                self.cache.root / LOG,
            )
        elif waiting:
            log.info(
                "%d of %d documents below %s are still being compiled; a later parse of this DAG file finds them",
                len(waiting),
                len(self.documents),
                self.root,
            )

    def _candidates(self, wanted: str) -> list[Document]:
        """The documents that a DAG may come from; most likely the first."""
        named = [doc for doc in self.documents if wanted == doc.dag_id or wanted.startswith(f"{doc.dag_id}.")]
        return sorted(named, key=lambda document: -len(document.dag_id))

    def _ids(self, dag_id: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Ids for the processes of a packed document, none of them the id of another document."""
        taken = {document.dag_id.lower() for document in self.documents}
        ids = TaskIds()
        for name in names:
            made = ids.task(f"{dag_id}.{name}")
            if made.lower() in taken:
                made = f"{made[: MAX_LENGTH - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
            yield made, name

    def _dags(self, document: Document, found: Found) -> Iterator[DAG]:
        return (self._dag(dag_id, document.path, plan) for dag_id, plan in found if plan is not None)

    def _dag(self, dag_id: str, path: Path, plan: Plan | MlcraftError) -> DAG:
        dag = self._built(dag_id, path, plan) if isinstance(plan, Plan) else plan
        if isinstance(dag, MlcraftError):
            log.error("%s", dag)
            return BrokenDocument(dag_id, path, dag)
        return dag

    def _built(self, dag_id: str, path: Path, plan: Plan) -> CwlDag | MlcraftError:
        try:
            dag = CwlDag.of_plan(plan, dag_id, **self.dag_args)
            dag.validate()  # type: ignore[no-untyped-call]
        except MlcraftError as error:
            return error
        except Exception as error:
            # Whatever Airflow has against this DAG, it must not take the others along.
            return DocumentError(f"Airflow refuses its DAG ({type(error).__name__}: {error})", path=str(path))
        return dag

    def _left_out(self, many: int) -> DAG:
        error = MlcraftError(
            f"{many} of the {len(self.documents)} documents below {self.root} are left out, because Airflow would "
            f"end a parse that builds all their DAGs; share the folder out to several DAG files, with part=(1, 2) and "
            f"part=(2, 2) as arguments of load_cwl_dags, or raise [core] dagbag_import_timeout and "
            f"[dag_processor] dag_file_processor_timeout"
        )
        log.error("%s", error)
        return BrokenDocument(TaskIds().task(f"{self.root.name}.left_out"), self.root, error)


def _size(document: Document) -> int:
    """Small documents first: a large one would keep hundreds of them waiting."""
    try:
        return document.path.stat().st_size
    except OSError:
        return 0


def _plan_or_error(look: Look, path: Path, name: str) -> Plan | MlcraftError | None:
    try:
        return look(path, name)
    except MlcraftError as error:
        return error
