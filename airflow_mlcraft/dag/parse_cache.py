"""The cache of earlier parses of a folder: which documents are DAGs, and the serialized form of each DAG."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from airflow.sdk import DAG, BaseOperator

from airflow_mlcraft import settings
from airflow_mlcraft.adapters.airflow_core import accept_serialized_forms, dag_serialization, has_cluster_policies
from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.cwl.cache import PlanKey, write_json
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.dag.airflow_limits import serialize_dag
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.parse_time_limit import ParseClock, in_dag_processor
from airflow_mlcraft.dag.serialized_dag import PreserializedDag

log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parents[1]
_BUILD_DAGS = ("adapters", "dag", "layout", "operators")
"""The folders of this package whose code decides what the DAG of a plan is."""
_REBUILD_ONE_IN = 50
"""One of so many unchanged DAGs is built again: for changes that no key covers, and to measure the time it takes."""
_FORM = re.compile(r"[0-9a-f]+-[0-9a-f]+-[0-9a-f]+\.form")


class SerializedForm(NamedTuple):
    """The serialized form of a DAG, as JSON text."""

    dag_id: str
    text: bytes


class CachedDags:
    """The DAGs of a folder in their serialized forms, which are in `parsed`.

    Forms are passed to Airflow in the DAG processor only, and not in an installation with cluster policies, which need
    the DAGs themselves.
    """

    def __init__(
        self, parsed: ParseCache, clock: ParseClock, dag_args: Mapping[str, Any], build: Callable[[str], DAG]
    ) -> None:
        self._parsed = parsed
        self._clock = clock
        self._dag_args = dag_args
        self._template = PreserializedDag("form", build, dag_args)
        self._keys = _form_keys(dag_args)
        self._forms_used = 0
        self.uses_forms = self._keys is not None and in_dag_processor() and not has_cluster_policies()
        if self.uses_forms:
            accept_serialized_forms(PreserializedDag)

    def load(self, document: str) -> list[DAG]:
        """The DAGs of a document as they were built last; none where forms are not used."""
        forms = self._parsed.load_forms(document) if self.uses_forms else []
        return [self._preserialized(form) for form in forms]

    def are_current(self, document: str, cached: list[DAG], plan_names: Mapping[str, PlanKey]) -> bool:
        """Whether the cached DAGs were built of these plans; False at random for some, which are built again."""
        return (
            {dag.dag_id for dag in cached} == plan_names.keys()
            and all(self._has_form(document, dag_id, name) for dag_id, name in plan_names.items())
            and not _is_rebuild_due()
        )

    def serialize(self, document: str, dag: CwlDag) -> DAG:
        """The DAG for Airflow, with its form saved. Raises a `DocumentError` for one that Airflow cannot store."""
        tasks = len(dag.task_dict)
        name = PlanKey(dag.plan.digest, dag.plan.base)
        if not self.uses_forms and self._has_form(document, dag.dag_id, name) and not _is_rebuild_due():
            self._clock.add_dag(tasks)
            return dag
        started = time.process_time()
        data = serialize_dag(dag)
        self._clock.measure_dag(tasks, time.process_time() - started)
        if self._keys is not None:
            form = self._parsed.save_form(document, dag.dag_id, self._keys.key(name, dag.dag_id), data)
            if self.uses_forms and not any(map(_needs_airflow_check, dag.tasks)):
                return self._preserialized(form)
        self._clock.add_dag(tasks)
        return dag

    def _has_form(self, document: str, dag_id: str, name: PlanKey) -> bool:
        return self._keys is not None and self._parsed.has_form(document, dag_id, self._keys.key(name, dag_id))

    def _preserialized(self, form: SerializedForm) -> DAG:
        self._clock.add_form(len(form.text))
        if self._forms_used % _REBUILD_ONE_IN == 0:
            started = time.process_time()
            json.loads(form.text)
            self._clock.measure_form(len(form.text), time.process_time() - started)
        self._forms_used += 1
        return self._template.with_form(form.dag_id, form.text)


def _is_rebuild_due() -> bool:
    return random.random() < 1 / _REBUILD_ONE_IN  # noqa: S311


def _form_keys(dag_args: Mapping[str, Any]) -> FormKeys | None:
    try:
        return FormKeys(dag_args)
    except Exception as error:
        # Wrong arguments are reported for each DAG that is built with them.
        log.debug("no form of a DAG is kept: %s", error)
        return None


def _needs_airflow_check(task: Any) -> bool:
    """Whether Airflow checks a task against the installation's executors or listeners as it loads the DAG."""
    return bool(getattr(task, "executor", None) or getattr(task, "end_from_trigger", False))


class ParseCache:
    """The files of the cache, below the plan cache.

    `dag_ids` are the documents that were DAGs at the last parse, `built` those of this parse. A form is a file named by
    hashes of the document, the DAG, and all that the form depends on (its key); its first line is the DAG's id. A lost
    cache is filled again by the next parses.
    """

    def __init__(self, root: Path, folder: Path, name: str) -> None:
        self._list = root / "parsed" / f"{name}.json"
        self._forms = root / "forms" / _short_hash(str(folder))
        self._keys_by_document: dict[str, dict[str, str]] = {}
        for document, dag, key in map(_parse_file_name, _form_file_names(self._forms)):
            self._keys_by_document.setdefault(document, {})[dag] = key
        self.dag_ids = _read_dag_ids(self._list)
        self.built: set[str] = set()

    def has_form(self, document: str, dag_id: str, key: str) -> bool:
        """Whether there is a form of the DAG with this key."""
        return self._keys_by_document.get(_short_hash(document), {}).get(_short_hash(dag_id)) == key

    def load_forms(self, document: str) -> list[SerializedForm]:
        """The forms of all DAGs of a document, as they were serialized last."""
        name = _short_hash(document)
        return [form for dag in self._keys_by_document.get(name, ()) if (form := self._read(name, dag)) is not None]

    def save_form(self, document: str, dag_id: str, key: str, data: Json) -> SerializedForm:
        """Save the form of a DAG in place of the last one."""
        form = SerializedForm(dag_id, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        name, dag = _short_hash(document), _short_hash(dag_id)
        last_key = self._keys_by_document.setdefault(name, {}).get(dag)
        write_atomically(self._path(name, dag, key), json.dumps(dag_id).encode() + b"\n" + form.text)
        self._keys_by_document[name][dag] = key
        if last_key not in (None, key):
            self._path(name, dag, str(last_key)).unlink(missing_ok=True)
        return form

    def delete_forms_except(self, document: str, dag_ids: Collection[str]) -> None:
        """Delete the forms of DAGs that a document no longer has."""
        name = _short_hash(document)
        for dag in self._keys_by_document.get(name, {}).keys() - {_short_hash(dag_id) for dag_id in dag_ids}:
            self._path(name, dag, self._keys_by_document[name].pop(dag)).unlink(missing_ok=True)

    def save_dag_ids(self, documents: Iterable[str], part: Iterable[str]) -> None:
        """Save which documents were DAGs at this parse or the last one; delete the forms of removed documents.

        :param documents: all documents of the folder; `part` has those of this parse
        """
        dag_ids = (self.dag_ids | self.built) & set(part)
        if dag_ids != self.dag_ids:
            write_json(self._list, sorted(dag_ids))
        for name in self._keys_by_document.keys() - set(map(_short_hash, documents)):
            for dag, key in self._keys_by_document.pop(name).items():
                self._path(name, dag, key).unlink(missing_ok=True)

    def _read(self, document: str, dag: str) -> SerializedForm | None:
        key = self._keys_by_document.get(document, {}).get(dag)
        # Another parse of the same folder may have replaced the form, and a full disk may have truncated it.
        with suppress(OSError, ValueError):
            if key is not None:
                first, _, text = self._path(document, dag, key).read_bytes().partition(b"\n")
                return SerializedForm(json.loads(first), text)
        return None

    def _path(self, document: str, dag: str, key: str) -> Path:
        return self._forms / f"{document}-{dag}-{key}.form"


class FormKeys:
    """The keys of forms: hashes of the plan, the arguments in the DAG file, and the installation."""

    def __init__(self, dag_args: Mapping[str, Any]) -> None:
        from airflow.configuration import conf

        common = [
            _airflow_version(),
            _code_hash(),
            conf.get("core", "executor", fallback=""),
            settings.get("tool_dags"),
            _serialize_dag_args(dag_args),
        ]
        self._common = json.dumps(common)

    def key(self, plan: PlanKey, dag_id: str) -> str:
        """The key of the form of one DAG."""
        return _short_hash(json.dumps([self._common, plan.digest, plan.base, dag_id]))


def _serialize_dag_args(dag_args: Mapping[str, Any]) -> Any:
    """The arguments as Airflow would store them, with the defaults of its configuration."""
    with DAG("arguments", **{**dag_args, "auto_register": False}) as dag:
        BaseOperator(task_id="defaults")
    data = dag_serialization().to_dict(dag)
    data["dag"].pop("fileloc", None)
    return json.dumps(data, sort_keys=True)


@cache
def _airflow_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow-core")


@cache
def _code_hash() -> str:
    code = hashlib.sha256()
    for folder in _BUILD_DAGS:
        for path in sorted((_PACKAGE / folder).glob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _parse_file_name(name: str) -> tuple[str, str, str]:
    document, dag, key = name.removesuffix(".form").split("-")
    return document, dag, key


def _form_file_names(folder: Path) -> list[str]:
    """The names of the forms' files, without temporary ones that are being written."""
    try:
        return [name for name in os.listdir(folder) if _FORM.fullmatch(name)]  # noqa: PTH208
    except OSError:
        return []


def _read_dag_ids(path: Path) -> set[str]:
    try:
        listed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return set()
    return {str(item) for item in listed} if isinstance(listed, list) else set()
