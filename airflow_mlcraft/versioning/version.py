"""Giving data a version: its objects into DVC's cache, one commit of pointers, a copy in the folder, the remote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.work import sweep
from airflow_mlcraft.versioning.commit import commit
from airflow_mlcraft.versioning.pointer import Data
from airflow_mlcraft.versioning.repository import Repository


@dataclass(frozen=True)
class Version:
    """Data at paths, and the commit that has it."""

    commit: str
    data: Mapping[str, Data]
    changed: frozenset[str]


def version(
    repository: Repository,
    data: Mapping[str, Data],
    store: Store,
    *,
    about: Mapping[str, str],
) -> Version:
    """Version data at paths of a repository."""
    cache = Store(repository.cache)
    if cache.root != store.root:
        sweep(cache.root)
        cache.take([item.oid for item in data.values()], store)
    committed = commit(repository, data, about)
    changed = frozenset(t.path.removeprefix(repository.prefix) for t in committed.targets if t.changed)
    return Version(committed.id, data, changed)
