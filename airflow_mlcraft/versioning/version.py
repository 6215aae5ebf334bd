"""Giving data a version: its objects into DVC's cache, one commit of pointers, a copy in the folder, the remote."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.file_ops import explained
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.task_folders import sweep
from airflow_mlcraft.versioning.checkout import check_out, refuse_to_overwrite
from airflow_mlcraft.versioning.clone import Clone
from airflow_mlcraft.versioning.commit import Committed, commit, made_by, page_of
from airflow_mlcraft.versioning.dvc_files import Data
from airflow_mlcraft.versioning.push import Remote, push
from airflow_mlcraft.versioning.repository import Repository
from airflow_mlcraft.versioning.targets import Target

Say = Callable[[int, str], None]
_TRIES = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """Data at paths of a repository, and the commit that has it."""

    repository: str
    commit: str
    data: Mapping[str, Data]
    changed: frozenset[str]
    pushed: int | None = None
    """How many objects were sent to the remote; None where there is none, or where it refused."""
    refusal: str = ""
    """Why the remote did not take the data."""
    page: str = ""
    """The commit's page, where the git repository has one on the web."""


@dataclass(frozen=True)
class Versioning:
    """A repository, and what is done with data besides the commit."""

    repository: Repository
    checkout: bool = True
    remote: Remote = field(default_factory=Remote)
    clone: Clone | None = None
    """Set where the repository is a clone, and the commit belongs to its origin."""
    say: Say = _log.log

    def version(
        self, data: Mapping[str, Data], store: Store, *, about: Mapping[str, str], again: bool = False
    ) -> Version:
        """Version data, objects of a store, at paths from the repository's folder; all of it, or nothing.

        Data that the remote refuses has its version all the same, and is pushed with the next. With `again`, what an
        earlier try with the same words `about` it has committed counts as changed.
        """
        cache = Store(self.repository.cache)
        if cache.root != store.root:
            sweep(cache.root)
            cache.take([item.oid for item in data.values()], store)
        with explained(f"Cannot version data in {self.repository.root}"):
            sweep(self.repository.own)
            with locked(self.repository.common_dir / "mlcraft.lock") as note:
                committed = self._commit(data, about, cache, note)
                if self.checkout:
                    self._check_out(committed, cache)
        for path in committed.kept:
            self.say(logging.WARNING, f"{path} has changes of yours, which stay; the new version is in the commit")
        pushed, refusal = self._push(committed)
        names = {target: target.path.removeprefix(self.repository.prefix) for target in committed.targets}
        changed = frozenset(
            name
            for target, name in names.items()
            if target.changed or (again and made_by(self.repository, target, about))
        )
        page = page_of(self.repository, committed.id)
        return Version(self.repository.name, committed.id, data, changed, pushed, refusal, page)

    def _commit(self, data: Mapping[str, Data], about: Mapping[str, str], cache: Store, note: IO[str]) -> Committed:
        for _ in range(_TRIES):
            if self.clone:
                self.clone.update()
            committed = commit(self.repository, data, about, lambda target: self._check(target, cache), note)
            if self.clone is None or self.clone.publish():
                return committed
        raise VersioningError(f"others pushed to {self.repository.name} at each of {_TRIES} tries", temporary=True)

    def _check(self, target: Target, cache: Store) -> None:
        if self.checkout and target.before is None:
            refuse_to_overwrite(cache, target.data.oid, self.repository.git.folder / target.path)

    def _check_out(self, committed: Committed, cache: Store) -> None:
        for target in committed.targets:
            path = self.repository.git.folder / target.path
            before = target.before.oid if target.before else ""
            if not check_out(self.repository, cache, target.data.oid, path, before):
                self.say(
                    logging.WARNING,
                    f"{path} has changes of yours, which stay; `dvc checkout --force {target.pointer}` in "
                    f"{self.repository.git.folder} brings the new version",
                )

    def _push(self, committed: Committed) -> tuple[int | None, str]:
        oids = {target.data.oid: target.remote for target in committed.targets if target.pushed}
        try:
            return push(self.repository, oids, self.remote), ""
        except VersioningError as error:
            return None, str(error)
