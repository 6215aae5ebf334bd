"""What earlier parses of a folder found out: which documents are DAGs, and which of these Airflow can store."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from airflow_mlcraft.cwl.cache import write_whole
from airflow_mlcraft.cwl.plan import Plan

_EVERY = 50
"""Of so many DAGs that are known to be storable, one is serialized again: how long that takes depends on the hour."""


class ParsedBefore:
    """Kept below the plan cache; `dag_ids` are those of the documents that the last parse made DAGs of.

    A cache that was lost is filled again by the next parse.
    """

    def __init__(self, root: Path, name: str) -> None:
        self._list = root / "parsed" / f"{name}.json"
        self._storable = root / "storable"
        self._forms = _names_in(self._storable)
        self._seen = 0
        self.dag_ids = _listed(self._list)
        self.built: set[str] = set()

    def is_storable(self, form: str) -> bool:
        """Whether a DAG of this form was serialized and checked before."""
        return form in self._forms

    def is_sample(self) -> bool:
        """True for one call in fifty, the first among them."""
        self._seen += 1
        return self._seen % _EVERY == 1

    def note_storable(self, form: str) -> None:
        """A DAG of this form need not be checked again."""
        if form not in self._forms:
            self._forms.add(form)
            self._storable.mkdir(parents=True, exist_ok=True)
            (self._storable / form).touch()

    def keep(self, documents: Iterable[str]) -> None:
        """Note which of the documents that are there were DAGs, at this parse or the one before."""
        kept = (self.dag_ids | self.built) & set(documents)
        if kept != self.dag_ids:
            write_whole(self._list, sorted(kept))


def form_of(plan: Plan, dag_id: str, dag_args: Mapping[str, Any]) -> str:
    """A name for all that a DAG is made of."""
    made_of = [plan.digest, plan.base, dag_id, _airflow_version(), _described(dag_args)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:40]


def _described(dag_args: Mapping[str, Any]) -> str:
    # Some arguments, such as callbacks, have an address in their description that is another in each process.
    return json.dumps(dag_args, sort_keys=True, default=lambda value: type(value).__qualname__)


@cache
def _airflow_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow-core")


def _names_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return set()


def _listed(path: Path) -> set[str]:
    try:
        listed = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return set()
    return {str(item) for item in listed} if isinstance(listed, list) else set()
