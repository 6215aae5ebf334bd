"""Which DAGs of a folder a parse builds, and which it hands to Airflow in the serialized form that is kept of them."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import DAG

from airflow_mlcraft.cwl.cache import PlanName
from airflow_mlcraft.dag.checked_dag import check_stored_form
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.dag.parse_time import ParseClock, in_dag_processor
from airflow_mlcraft.dag.parsed_before import Form, FormKeys, ParsedBefore
from airflow_mlcraft.dag.stored_dag import StoredDag, has_policies, take_stored_forms

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
