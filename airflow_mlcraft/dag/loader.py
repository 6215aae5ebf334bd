"""The DAGs of a folder of documents, as far as a parse has time for them."""

from __future__ import annotations

import hashlib
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from airflow.sdk import DAG, get_parsing_context

from airflow_mlcraft.cwl.cache import PlanCache, PlanName
from airflow_mlcraft.cwl.compile_queue import LOG, last_words, leave
from airflow_mlcraft.cwl.discover import names_in
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.airflow_limits import build_dag
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.dag_args import is_hidden
from airflow_mlcraft.dag.parse_cache import ParsedBefore, StoredForms
from airflow_mlcraft.dag.parse_time_limit import ParseClock, seconds_to_wait
from airflow_mlcraft.errors import MlcraftError, SeveralProcessesError
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import MAX_TASK_ID_LENGTH, TaskIds

log = logging.getLogger(__name__)

Of = TypeVar("Of")
Found: TypeAlias = "list[tuple[str, Of | MlcraftError | None]]"
"""What there is to a document: DAG ids, each with its plan or the plan's name, its error, or nothing yet."""
_MUCH, _MOST_FOR_NEW, _MOST = 0.6, 0.75, 0.9
"""Parts of Airflow's limits: from which on a folder is said to be large, and at which documents are left out."""
SMALL = 100
"""Documents; a parse of fewer that takes long does so for another reason, such as a busy machine."""
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
    cache: PlanCache = field(default_factory=open_plan_cache)
    started: float = field(default_factory=time.monotonic)
    clock: ParseClock = field(default_factory=ParseClock)

    def dag(self, wanted: str) -> Iterator[DAG]:
        """The one DAG of that id, its document compiled if need be."""
        for document in self._candidates(wanted):
            for dag_id, plan in self.look(document, self.cache.plan_of):
                if dag_id == wanted and plan is not None:
                    yield self._wanted(dag_id, document.path, plan)
                    return

    def dags(self, documents: list[Document], part: tuple[int, int] = (1, 1)) -> Iterator[DAG]:
        """The DAGs of these documents. One that is not compiled in time stays as it was when it was compiled last.

        A DAG that a parse leaves out is gone from Airflow until a later one has it. So documents that were DAGs at the
        last parse come first, and may use more of Airflow's limits than new ones; in the DAG processor those that have
        not changed are handed on in the form that is kept of them, which takes a fraction of the time.
        """
        name = hashlib.sha256(f"{self.root} {part}".encode()).hexdigest()[:16]
        parsed = ParsedBefore(self.cache.root, self.root, name)
        forms = StoredForms(parsed, self.clock, self.dag_args, lambda dag_id: next(self.dag(dag_id)))
        known = deque(document for document in documents if document.dag_id in parsed.dag_ids)
        new = deque(document for document in documents if document.dag_id not in parsed.dag_ids)
        # What is kept of a document takes the place of what there is no time to build; it is read before any is built.
        before: dict[Document, list[DAG]] = {}
        yield from self._unchanged(known, before, forms, parsed)
        changed = deque(before)
        waiting = [
            *(yield from self._ready(changed, _MOST_FOR_NEW if forms.handed_on else _MOST, forms, parsed)),
            *(yield from self._ready(new, _MOST_FOR_NEW, forms, parsed)),
        ]
        if waiting:
            queue = deque(sorted(waiting, key=_size))
            yield from self._compiled_in_time(queue, name, forms, parsed)
            changed.extend(queue)
        left_out = len(known) + len(new)
        for document in changed:
            if before.get(document):
                yield from before[document]
            elif self.clock.used() <= _MOST:
                yield from self._dags(document, self.look(document, self.cache.last), forms, parsed)
            else:
                left_out += 1
        if left_out or (len(documents) >= SMALL and self.clock.used() > _MUCH):
            yield self._too_large(len(documents), left_out)
        parsed.keep((document.dag_id for document in self.documents), (document.dag_id for document in documents))

    def _unchanged(
        self, known: deque[Document], before: dict[Document, list[DAG]], forms: StoredForms, parsed: ParsedBefore
    ) -> Iterator[DAG]:
        """Hand on the known documents that have not changed while there is time; note what is kept of others."""
        while known and self.clock.used() <= _MOST:
            document = known.popleft()
            kept = forms.kept(document.dag_id)
            # To see whether a document has changed takes as long as to hand it on: where time is short, it does not.
            if kept and (self.clock.used() > _MUCH or self._is_unchanged(document, kept, forms)):
                parsed.built.add(document.dag_id)
                yield from kept
            else:
                before[document] = kept

    def _ready(
        self, queue: deque[Document], most: float, forms: StoredForms, parsed: ParsedBefore
    ) -> Generator[DAG, None, list[Document]]:
        """Build the documents that are compiled, until so much of the limits is used; gives those that are not."""
        waiting: list[Document] = []
        while queue and self.clock.used() <= most:
            document = queue.popleft()
            found = self.look(document, self.cache.ready)
            if any(plan is None for _, plan in found):
                waiting.append(document)
            else:
                yield from self._dags(document, found, forms, parsed)
        return waiting

    def _is_unchanged(self, document: Document, kept: list[DAG], forms: StoredForms) -> bool:
        """Whether the DAGs that are kept of a document are those of the document as it is now."""
        found = self.look(document, self.cache.ready_name)
        named = {dag_id: name for dag_id, name in found if isinstance(name, PlanName)}
        return len(named) == len(found) and forms.are_current(document.dag_id, kept, named)

    def _wanted(self, dag_id: str, path: Path, plan: Plan | MlcraftError) -> DAG:
        """What a task runs in; Airflow has taken this DAG already."""
        if isinstance(plan, Plan):
            try:
                return build_dag(plan, dag_id, **self.dag_args)
            except MlcraftError as error:
                return self._broken(dag_id, path, error)
        return self._broken(dag_id, path, plan)

    def look(self, document: Document, look: Callable[[Path, str], Of | None]) -> Found[Of]:
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

    def _compiled_in_time(
        self, waiting: deque[Document], name: str, forms: StoredForms, parsed: ParsedBefore
    ) -> Iterator[DAG]:
        """Have documents compiled, and take off `waiting` those that are ready soon enough."""
        process = leave(self.cache, name, [document.path for document in waiting])
        end = self.started + seconds_to_wait()
        while waiting and time.monotonic() < end and self.clock.used() < _MOST_FOR_NEW:
            ended = process is not None and process.poll() is not None
            found = self.look(waiting[0], self.cache.ready)
            if all(plan is not None for _, plan in found):
                yield from self._dags(waiting.popleft(), found, forms, parsed)
            elif ended:
                break
            else:
                self.clock.sleep(_GLANCE)
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
                made = f"{made[: MAX_TASK_ID_LENGTH - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
            yield made, name

    def _dags(self, document: Document, found: Found[Plan], forms: StoredForms, parsed: ParsedBefore) -> Iterator[DAG]:
        good: list[str] = []
        for dag_id, plan in found:
            if isinstance(plan, Plan) and not is_hidden(plan):
                parsed.built.add(document.dag_id)
                try:
                    yield forms.checked(document.dag_id, build_dag(plan, dag_id, **self.dag_args))
                    good.append(dag_id)
                except MlcraftError as error:
                    yield self._broken(dag_id, document.path, error)
            elif isinstance(plan, MlcraftError):
                yield self._broken(dag_id, document.path, plan)
        parsed.keep_only(document.dag_id, good)

    def _broken(self, dag_id: str, path: Path, error: MlcraftError) -> DAG:
        log.error("%s", error)
        self.clock.count_broken()
        return BrokenDocument(dag_id, path, error)

    def _too_large(self, documents: int, left_out: int) -> DAG:
        used = f"{self.clock.used():.0%} of the time that Airflow gives a DAG file"
        what = (
            f"{left_out} of the {documents} documents below {self.root} are left out: the others take {used}"
            if left_out
            else f"the {documents} documents below {self.root} take {used}, and any that come to them may be left out"
        )
        error = MlcraftError(
            f"{what}; share the folder out to several DAG files, with part=(1, 2) and part=(2, 2) as arguments of "
            f"load_cwl_dags, or raise [core] dagbag_import_timeout and [dag_processor] dag_file_processor_timeout"
        )
        return self._broken(TaskIds().task(f"{self.root.name}.left_out"), self.root, error)


def _size(document: Document) -> int:
    """Small documents first: a large one would keep hundreds of them waiting."""
    try:
        return document.path.stat().st_size
    except OSError:
        return 0


def _plan_or_error(look: Callable[[Path, str], Of | None], path: Path, name: str) -> Of | MlcraftError | None:
    try:
        return look(path, name)
    except MlcraftError as error:
        return error


def load_cwl_dags(
    namespace: MutableMapping[str, Any], folder: str | Path, *, part: tuple[int, int] = (1, 1), **dag_args: Any
) -> None:
    """Put a DAG for each CWL document below `folder` into a DAG file's `globals()`; relative to that file.

    A document that cannot be used is an import error of its own; the others load. Documents that have to be
    compiled first are compiled by a process of their own: those that take too long for one parse are DAGs after a
    later one. In a task, only the DAG that the task belongs to is built.

    :param part: which part of the folder, of how many: `(1, 8)` to `(8, 8)` in eight DAG files share it out
    :param dag_args: arguments of all the DAGs
    """
    clock = ParseClock()
    root = (Path(namespace.get("__file__", "")).parent / folder).resolve()
    if not root.is_dir():
        raise MlcraftError(f"load_cwl_dags: {root} is not a folder; give the folder of your CWL documents")
    documents = [Document(dag_id, path) for dag_id, path in dag_ids_in(root)]
    parsed = Folder(root, documents, dag_args, clock=clock)
    wanted = get_parsing_context().dag_id
    found = parsed.dags(_part_of(documents, part), part) if wanted is None else parsed.dag(wanted)
    for dag in found:
        namespace[f"cwl_dag_{dag.dag_id}"] = dag


def dag_ids_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The id of each document's DAG: its path below the folder, with dots for slashes."""
    ids = TaskIds()
    for name in names_in(folder):
        yield ids.task(name.removesuffix(".cwl").replace("/", ".")), folder / name


def _part_of(documents: list[Document], part: tuple[int, int]) -> list[Document]:
    """A document stays in its part, whatever documents come and go."""
    number, parts = part
    if not 1 <= number <= parts:
        raise MlcraftError(f"load_cwl_dags: part is {part}; expected (1, n) to (n, n) for n DAG files")
    return [document for document in documents if zlib.crc32(document.dag_id.encode()) % parts == number - 1]
