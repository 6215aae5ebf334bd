"""`load_cwl_dags`: the DAGs of all CWL documents of a folder, as many as Airflow's time limits for a parse allow."""

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

from airflow_mlcraft.common.safe_names import with_hash_suffix
from airflow_mlcraft.cwl.cache import PlanCache, PlanKey
from airflow_mlcraft.cwl.compile_queue import LOG, enqueue, last_log_line
from airflow_mlcraft.cwl.discover import find_document_names
from airflow_mlcraft.cwl.plan import Plan
from airflow_mlcraft.dag.airflow_limits import build_dag
from airflow_mlcraft.dag.broken_document import BrokenDocument
from airflow_mlcraft.dag.dag_args import is_hidden
from airflow_mlcraft.dag.parse_cache import CachedDags, ParseCache
from airflow_mlcraft.dag.parse_time_limit import ParseClock, compile_wait_seconds
from airflow_mlcraft.errors import MlcraftError, SeveralProcessesError
from airflow_mlcraft.layout.plan_cache import open_plan_cache
from airflow_mlcraft.layout.tasks import MAX_TASK_ID_LENGTH, TaskIds

log = logging.getLogger(__name__)

T = TypeVar("T")
LookupResults: TypeAlias = "list[tuple[str, T | MlcraftError | None]]"
"""The DAG ids of a document, each with its plan or the plan's name, an error, or None while it is not compiled."""
_LARGE, _MAX_USED_FOR_NEW, _MAX_USED = 0.6, 0.75, 0.9
"""Fractions of Airflow's time limits: for the warning of a large folder, and for leaving out new and all documents."""
SMALL_FOLDER = 100
"""The number of documents below which a slow parse has another reason than their number, such as a busy machine."""
_POLL_SECONDS = 0.05
"""Seconds between two checks whether a document is compiled."""


def load_cwl_dags(
    namespace: MutableMapping[str, Any], folder: str | Path, *, part: tuple[int, int] = (1, 1), **dag_args: Any
) -> None:
    """Put a DAG for each CWL document below `folder` into a DAG file's `globals()`; relative to that file.

    A document that cannot be used is an import error of its own; the others load. Documents that have to be
    compiled first are compiled by another process; those that take too long for one parse become DAGs at a later one.
    In a task, only the DAG that the task belongs to is built.

    :param part: which part of the folder, of how many: `(1, 8)` to `(8, 8)` in eight DAG files share it out
    :param dag_args: arguments of all the DAGs
    """
    clock = ParseClock()
    root = (Path(namespace.get("__file__", "")).parent / folder).resolve()
    if not root.is_dir():
        raise MlcraftError(f"load_cwl_dags: {root} is not a folder; give the folder of your CWL documents")
    documents = [Document(dag_id, path) for dag_id, path in dag_ids_in(root)]
    found = DocumentFolder(root, documents, dag_args, clock=clock)
    dag_id = get_parsing_context().dag_id
    dags = found.load_dags(_select_part(documents, part), part) if dag_id is None else found.load_dag(dag_id)
    for dag in dags:
        namespace[f"cwl_dag_{dag.dag_id}"] = dag


def dag_ids_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The id of each document's DAG: its path below the folder, with dots for slashes."""
    ids = TaskIds()
    for name in find_document_names(folder):
        yield ids.task(name.removesuffix(".cwl").replace("/", ".")), folder / name


def _select_part(documents: list[Document], part: tuple[int, int]) -> list[Document]:
    """The documents of one part; by their ids, so that others that are added or removed do not move them."""
    number, parts = part
    if not 1 <= number <= parts:
        raise MlcraftError(f"load_cwl_dags: part is {part}; expected (1, n) to (n, n) for n DAG files")
    return [document for document in documents if zlib.crc32(document.dag_id.encode()) % parts == number - 1]


class Document(NamedTuple):
    """A document of the folder, with the id of its DAG."""

    dag_id: str
    path: Path


@dataclass
class DocumentFolder:
    """The documents below a folder, and the DAGs that are built of them."""

    root: Path
    documents: list[Document]
    dag_args: dict[str, Any]
    cache: PlanCache = field(default_factory=open_plan_cache)
    started: float = field(default_factory=time.monotonic)
    clock: ParseClock = field(default_factory=ParseClock)

    def load_dag(self, dag_id: str) -> Iterator[DAG]:
        """The DAG with this id, if there is one; its document is compiled if necessary."""
        for document in self._candidates(dag_id):
            for found_id, plan in self.look_up(document, self.cache.get_plan):
                if found_id == dag_id and plan is not None:
                    yield self._build_for_task(dag_id, document.path, plan)
                    return

    def load_dags(self, documents: list[Document], part: tuple[int, int] = (1, 1)) -> Iterator[DAG]:
        """The DAGs of these documents. One that is not compiled in time has the DAG of its last compilation.

        A DAG that a parse leaves out disappears from Airflow until a later parse has it. So documents that were DAGs
        at the last parse come first, and may use more of Airflow's time limits than new ones. In the DAG processor,
        unchanged ones are passed on in their cached serialized form, which takes a fraction of the time.
        """
        name = hashlib.sha256(f"{self.root} {part}".encode()).hexdigest()[:16]
        parsed = ParseCache(self.cache.root, self.root, name)
        forms = CachedDags(parsed, self.clock, self.dag_args, lambda dag_id: next(self.load_dag(dag_id)))
        known = deque(document for document in documents if document.dag_id in parsed.dag_ids)
        new = deque(document for document in documents if document.dag_id not in parsed.dag_ids)
        # The cached DAGs of changed documents, for those that there is no time to build; read before any is built.
        cached: dict[Document, list[DAG]] = {}
        yield from self._pass_unchanged(known, cached, forms, parsed)
        changed = deque(cached)
        waiting = [
            *(
                yield from self._build_compiled(
                    changed, _MAX_USED_FOR_NEW if forms.uses_forms else _MAX_USED, forms, parsed
                )
            ),
            *(yield from self._build_compiled(new, _MAX_USED_FOR_NEW, forms, parsed)),
        ]
        if waiting:
            queue = deque(sorted(waiting, key=_file_size))
            yield from self._build_when_compiled(queue, name, forms, parsed)
            changed.extend(queue)
        left_out = len(known) + len(new)
        for document in changed:
            if cached.get(document):
                yield from cached[document]
            elif self.clock.used_fraction() <= _MAX_USED:
                yield from self._build_dags(document, self.look_up(document, self.cache.get_last), forms, parsed)
            else:
                left_out += 1
        if left_out or (len(documents) >= SMALL_FOLDER and self.clock.used_fraction() > _LARGE):
            yield self._folder_too_large(len(documents), left_out)
        parsed.save_dag_ids(
            (document.dag_id for document in self.documents), (document.dag_id for document in documents)
        )

    def _pass_unchanged(
        self, known: deque[Document], cached: dict[Document, list[DAG]], forms: CachedDags, parsed: ParseCache
    ) -> Iterator[DAG]:
        """Pass on the cached DAGs of unchanged documents while there is time; put those of others into `cached`."""
        while known and self.clock.used_fraction() <= _MAX_USED:
            document = known.popleft()
            dags = forms.load(document.dag_id)
            # The check for changes takes as long as passing a DAG on, so it is left out when time is short.
            if dags and (self.clock.used_fraction() > _LARGE or self._is_unchanged(document, dags, forms)):
                parsed.built.add(document.dag_id)
                yield from dags
            else:
                cached[document] = dags

    def _build_compiled(
        self, queue: deque[Document], max_used: float, forms: CachedDags, parsed: ParseCache
    ) -> Generator[DAG, None, list[Document]]:
        """Build the compiled documents, up to this fraction of the limits; returns those that are not compiled."""
        waiting: list[Document] = []
        while queue and self.clock.used_fraction() <= max_used:
            document = queue.popleft()
            plans = self.look_up(document, self.cache.get_cached)
            if any(plan is None for _, plan in plans):
                waiting.append(document)
            else:
                yield from self._build_dags(document, plans, forms, parsed)
        return waiting

    def _is_unchanged(self, document: Document, cached: list[DAG], forms: CachedDags) -> bool:
        """Whether the cached DAGs of a document are those of its present content."""
        names = self.look_up(document, self.cache.get_cached_key)
        plan_names = {dag_id: name for dag_id, name in names if isinstance(name, PlanKey)}
        return len(plan_names) == len(names) and forms.are_current(document.dag_id, cached, plan_names)

    def _build_for_task(self, dag_id: str, path: Path, plan: Plan | MlcraftError) -> DAG:
        """The DAG for one of its tasks, without the checks: Airflow has stored this DAG already."""
        if isinstance(plan, Plan):
            try:
                return build_dag(plan, dag_id, **self.dag_args)
            except MlcraftError as error:
                return self._broken_document(dag_id, path, error)
        return self._broken_document(dag_id, path, plan)

    def look_up(self, document: Document, lookup: Callable[[Path, str], T | None]) -> LookupResults[T]:
        """The DAG ids of a document with their results of `lookup`, a method of the plan cache."""
        try:
            return [(document.dag_id, lookup(document.path, ""))]
        except SeveralProcessesError as several:
            return [
                (dag_id, _lookup_or_error(lookup, document.path, name))
                for dag_id, name in self._process_dag_ids(document.dag_id, several.names)
            ]
        except MlcraftError as error:
            return [(document.dag_id, error)]

    def _build_when_compiled(
        self, waiting: deque[Document], name: str, forms: CachedDags, parsed: ParseCache
    ) -> Iterator[DAG]:
        """Start the compilation of documents, and build those that are ready in time; removes them from `waiting`."""
        process = enqueue(self.cache, name, [document.path for document in waiting])
        end = self.started + compile_wait_seconds()
        while waiting and time.monotonic() < end and self.clock.used_fraction() < _MAX_USED_FOR_NEW:
            ended = process is not None and process.poll() is not None
            plans = self.look_up(waiting[0], self.cache.get_cached)
            if all(plan is not None for _, plan in plans):
                yield from self._build_dags(waiting.popleft(), plans, forms, parsed)
            elif ended:
                break
            else:
                self.clock.sleep(_POLL_SECONDS)
        if process is not None and process.poll():
            log.error(
                "%d documents below %s cannot be compiled: the process that does so has failed (%s); %s says more",
                len(waiting),
                self.root,
                last_log_line(self.cache.root),
                self.cache.root / LOG,
            )
        elif waiting:
            log.info(
                "%d of %d documents below %s are still being compiled; a later parse of this DAG file finds them",
                len(waiting),
                len(self.documents),
                self.root,
            )

    def _candidates(self, dag_id: str) -> list[Document]:
        """The documents that a DAG may come from, the most likely one first."""
        documents = [doc for doc in self.documents if dag_id == doc.dag_id or dag_id.startswith(f"{doc.dag_id}.")]
        return sorted(documents, key=lambda document: -len(document.dag_id))

    def _process_dag_ids(self, dag_id: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """DAG ids for the processes of a packed document, different from the ids of other documents."""
        taken = {document.dag_id.lower() for document in self.documents}
        ids = TaskIds()
        for name in names:
            process_id = ids.task(f"{dag_id}.{name}")
            if process_id.lower() in taken:
                process_id = with_hash_suffix(process_id, MAX_TASK_ID_LENGTH, hashed=name)
            yield process_id, name

    def _build_dags(
        self, document: Document, plans: LookupResults[Plan], forms: CachedDags, parsed: ParseCache
    ) -> Iterator[DAG]:
        built: list[str] = []
        for dag_id, plan in plans:
            if isinstance(plan, Plan) and not is_hidden(plan):
                parsed.built.add(document.dag_id)
                try:
                    yield forms.serialize(document.dag_id, build_dag(plan, dag_id, **self.dag_args))
                    built.append(dag_id)
                except MlcraftError as error:
                    yield self._broken_document(dag_id, document.path, error)
            elif isinstance(plan, MlcraftError):
                yield self._broken_document(dag_id, document.path, plan)
        parsed.delete_forms_except(document.dag_id, built)

    def _broken_document(self, dag_id: str, path: Path, error: MlcraftError) -> DAG:
        log.error("%s", error)
        self.clock.add_broken_document()
        return BrokenDocument(dag_id, path, error)

    def _folder_too_large(self, documents: int, left_out: int) -> DAG:
        used = f"{self.clock.used_fraction():.0%} of the time that Airflow gives a DAG file"
        problem = (
            f"{left_out} of the {documents} documents below {self.root} are left out: the others take {used}"
            if left_out
            else f"the {documents} documents below {self.root} take {used}, and any that come to them may be left out"
        )
        error = MlcraftError(
            f"{problem}; share the folder out to several DAG files, with part=(1, 2) and part=(2, 2) as arguments of "
            f"load_cwl_dags, or raise [core] dagbag_import_timeout and [dag_processor] dag_file_processor_timeout"
        )
        return self._broken_document(TaskIds().task(f"{self.root.name}.left_out"), self.root, error)


def _file_size(document: Document) -> int:
    """A document's size, to compile small ones first: a large one would delay hundreds of them."""
    try:
        return document.path.stat().st_size
    except OSError:
        return 0


def _lookup_or_error(lookup: Callable[[Path, str], T | None], path: Path, name: str) -> T | MlcraftError | None:
    try:
        return lookup(path, name)
    except MlcraftError as error:
        return error
