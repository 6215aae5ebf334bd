"""What earlier parses of a folder have left: which documents are DAGs, and the serialized form of each DAG."""

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
from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.cwl.cache import PlanName, write_whole
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.dag.airflow_limits import check_stored_form
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.parse_time_limit import ParseClock, in_dag_processor
from airflow_mlcraft.dag.serialized_dag import StoredDag, dag_serialization, has_policies, take_stored_forms

_PACKAGE = Path(__file__).parents[1]
_BUILD_DAGS = ("dag", "layout", "operators")
"""The folders of this package whose code decides what the DAG of a plan is."""


class Form(NamedTuple):
    """The serialized form of a DAG, as JSON text."""

    dag_id: str
    text: bytes


class ParsedBefore:
    """Kept below the plan cache; `dag_ids` are those of the documents that the last parse made DAGs of.

    A form is a file whose name tells document, DAG, and what the DAG was made of; its first line is the DAG's id. A
    cache that was lost is filled again by the next parses.
    """

    def __init__(self, root: Path, folder: Path, name: str) -> None:
        self._list = root / "parsed" / f"{name}.json"
        self._forms = root / "forms" / _short_hash(str(folder))
        self._kept: dict[str, dict[str, str]] = {}
        for document, dag, key in map(_parts, _names_in(self._forms)):
            self._kept.setdefault(document, {})[dag] = key
        self.dag_ids = _listed(self._list)
        self.built: set[str] = set()

    def has_form(self, document: str, dag_id: str, key: str) -> bool:
        """Whether the DAG was serialized before, made of what `key` stands for."""
        return self._kept.get(_short_hash(document), {}).get(_short_hash(dag_id)) == key

    def last_forms(self, document: str) -> list[Form]:
        """The forms of all DAGs that a document made when they were serialized last."""
        name = _short_hash(document)
        return [form for dag in self._kept.get(name, ()) if (form := self._read(name, dag)) is not None]

    def keep_form(self, document: str, dag_id: str, key: str, data: Json) -> Form:
        """Keep the form of a DAG in place of the one before."""
        form = Form(dag_id, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        name, dag = _short_hash(document), _short_hash(dag_id)
        before = self._kept.setdefault(name, {}).get(dag)
        write_atomically(self._path(name, dag, key), json.dumps(dag_id).encode() + b"\n" + form.text)
        self._kept[name][dag] = key
        if before not in (None, key):
            self._path(name, dag, str(before)).unlink(missing_ok=True)
        return form

    def keep_only(self, document: str, dag_ids: Collection[str]) -> None:
        """Forget the forms of DAGs that a document made once, and makes no more."""
        name = _short_hash(document)
        for dag in self._kept.get(name, {}).keys() - {_short_hash(dag_id) for dag_id in dag_ids}:
            self._path(name, dag, self._kept[name].pop(dag)).unlink(missing_ok=True)

    def keep(self, documents: Iterable[str], part: Iterable[str]) -> None:
        """Note which documents were DAGs, at this parse or the one before; forget the forms of those that are gone.

        :param documents: all documents of the folder; `part` has those of this parse
        """
        kept = (self.dag_ids | self.built) & set(part)
        if kept != self.dag_ids:
            write_whole(self._list, sorted(kept))
        for name in self._kept.keys() - set(map(_short_hash, documents)):
            for dag, key in self._kept.pop(name).items():
                self._path(name, dag, key).unlink(missing_ok=True)

    def _read(self, document: str, dag: str) -> Form | None:
        key = self._kept.get(document, {}).get(dag)
        # Another parse of the same folder may have put another form in its place, and a full disk may have spoilt it.
        with suppress(OSError, ValueError):
            if key is not None:
                first, _, text = self._path(document, dag, key).read_bytes().partition(b"\n")
                return Form(json.loads(first), text)
        return None

    def _path(self, document: str, dag: str, key: str) -> Path:
        return self._forms / f"{document}-{dag}-{key}.form"


class FormKeys:
    """Names for all that a form is made of: the plan, the arguments in the DAG file, the installation."""

    def __init__(self, dag_args: Mapping[str, Any]) -> None:
        from airflow.configuration import conf

        made_of = [
            _airflow_version(),
            _code(),
            conf.get("core", "executor", fallback=""),
            settings.get("tool_dags"),
            _serialized(dag_args),
        ]
        self._common = json.dumps(made_of)

    def key(self, plan: PlanName, dag_id: str) -> str:
        """The name of the form of one DAG."""
        return _short_hash(json.dumps([self._common, plan.digest, plan.base, dag_id]))


def _serialized(dag_args: Mapping[str, Any]) -> Any:
    """What Airflow would store of the arguments, with the defaults of its configuration."""
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
def _code() -> str:
    code = hashlib.sha256()
    for folder in _BUILD_DAGS:
        for path in sorted((_PACKAGE / folder).glob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _parts(name: str) -> tuple[str, str, str]:
    document, dag, key = name.removesuffix(".form").split("-")
    return document, dag, key


_FORM = re.compile(r"[0-9a-f]+-[0-9a-f]+-[0-9a-f]+\.form")


def _names_in(folder: Path) -> list[str]:
    """The names of the forms; one that begins with a dot is being written."""
    try:
        return [name for name in os.listdir(folder) if _FORM.fullmatch(name)]  # noqa: PTH208
    except OSError:
        return []


def _listed(path: Path) -> set[str]:
    try:
        listed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return set()
    return {str(item) for item in listed} if isinstance(listed, list) else set()


log = logging.getLogger(__name__)

_EVERY = 50
"""Of so many DAGs that have not changed, one is built anew: for changes that no key tells of, and to measure."""


class StoredForms:
    """The forms of a folder's DAGs, kept by `parsed`. They are handed on in the DAG processor alone.

    Where the installation has cluster policies, Airflow gets the DAGs themselves.
    """

    def __init__(
        self, parsed: ParsedBefore, clock: ParseClock, dag_args: Mapping[str, Any], build: Callable[[str], DAG]
    ) -> None:
        self._parsed = parsed
        self._clock = clock
        self._dag_args = dag_args
        self._like = StoredDag("form", build, dag_args)
        self._keys = _keys_or_none(dag_args)
        self._handed_on = 0
        self.handed_on = self._keys is not None and in_dag_processor() and not has_policies()
        if self.handed_on:
            take_stored_forms()

    def kept(self, document: str) -> list[DAG]:
        """The DAGs that a document made when they were built last."""
        forms = self._parsed.last_forms(document) if self.handed_on else []
        return [self._stored(form) for form in forms]

    def are_current(self, document: str, kept: list[DAG], named: Mapping[str, PlanName]) -> bool:
        """Whether what is kept was made of the plans of these names; now and then not, so that it is built anew."""
        return (
            {dag.dag_id for dag in kept} == named.keys()
            and all(self._is_kept(document, dag_id, name) for dag_id, name in named.items())
            and not _is_built_anew()
        )

    def checked(self, document: str, dag: CwlDag) -> DAG:
        """The DAG for Airflow, its form kept. Raises a `DocumentError` for one that Airflow cannot store."""
        tasks = len(dag.task_dict)
        name = PlanName(dag.plan.digest, dag.plan.base)
        if not self.handed_on and self._is_kept(document, dag.dag_id, name) and not _is_built_anew():
            self._clock.count(tasks)
            return dag
        started = time.process_time()
        data = check_stored_form(dag)
        self._clock.sample(tasks, time.process_time() - started)
        if self._keys is not None:
            form = self._parsed.keep_form(document, dag.dag_id, self._keys.key(name, dag.dag_id), data)
            if self.handed_on and not any(map(_is_judged_by_airflow, dag.tasks)):
                return self._stored(form)
        self._clock.count(tasks)
        return dag

    def _is_kept(self, document: str, dag_id: str, name: PlanName) -> bool:
        return self._keys is not None and self._parsed.has_form(document, dag_id, self._keys.key(name, dag_id))

    def _stored(self, form: Form) -> DAG:
        self._clock.count_form(len(form.text))
        if self._handed_on % _EVERY == 0:
            started = time.process_time()
            json.loads(form.text)
            self._clock.sample_form(len(form.text), time.process_time() - started)
        self._handed_on += 1
        return self._like.with_form(form.dag_id, form.text)


def _is_built_anew() -> bool:
    return random.random() < 1 / _EVERY  # noqa: S311


def _keys_or_none(dag_args: Mapping[str, Any]) -> FormKeys | None:
    try:
        return FormKeys(dag_args)
    except Exception as error:
        # What is wrong with the arguments is said of each DAG that is built with them.
        log.debug("no form of a DAG is kept: %s", error)
        return None


def _is_judged_by_airflow(task: Any) -> bool:
    """Whether Airflow compares a task with the installation's executors or listeners as it takes the DAG."""
    return bool(getattr(task, "executor", None) or getattr(task, "end_from_trigger", False))
