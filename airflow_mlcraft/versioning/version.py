"""Versioning of data: objects in DVC's cache, one commit of `.dvc` files, a checkout in the folder, and the push."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from airflow_mlcraft.common.locks import locked
from airflow_mlcraft.errors import VersioningError
from airflow_mlcraft.store.file_ops import translate_os_errors
from airflow_mlcraft.store.store import Store
from airflow_mlcraft.store.task_folders import remove_stale_folders
from airflow_mlcraft.versioning.checkout import check_not_overwriting, check_out
from airflow_mlcraft.versioning.clone import Clone
from airflow_mlcraft.versioning.commit import CommitResult, commit, find_commit_url, is_last_commit_about
from airflow_mlcraft.versioning.dvc_files import DvcData
from airflow_mlcraft.versioning.push import Remote, push
from airflow_mlcraft.versioning.repository import Repository
from airflow_mlcraft.versioning.targets import Target

LogFunction = Callable[[int, str], None]
_MAX_TRIES = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """Data at paths of a repository, and its commit."""

    repository: str
    commit: str
    data: Mapping[str, DvcData]
    changed: frozenset[str]
    pushed: int | None = None
    """The number of objects sent to the remote; None if there is no remote, or the push failed."""
    refusal: str = ""
    """Why the push failed."""
    page: str = ""
    """The URL of the commit's web page, if any."""


@dataclass(frozen=True)
class Versioning:
    """A repository, and whether data is also checked out and pushed."""

    repository: Repository
    checkout: bool = True
    remote: Remote = field(default_factory=Remote)
    clone: Clone | None = None
    """Set if the repository is a clone, whose commits are pushed to its origin."""
    log: LogFunction = _log.log

    def version_data(
        self, data: Mapping[str, DvcData], store: Store, *, message_fields: Mapping[str, str], is_retry: bool = False
    ) -> Version:
        """Create a version of objects of a store at paths of the repository; all of them, or none.

        If the push fails, the version stays, and is pushed with the next one. With `is_retry`, data that an
        earlier try has committed with the same `message_fields` counts as changed.
        """
        cache = Store(self.repository.cache)
        if cache.root != store.root:
            remove_stale_folders(cache.root)
            cache.copy_from([item.oid for item in data.values()], store)
        with translate_os_errors(f"Cannot version data in {self.repository.root}"):
            remove_stale_folders(self.repository.state_folder)
            with locked(self.repository.common_dir / "mlcraft.lock") as note:
                committed = self._commit(data, message_fields, cache, note)
                if self.checkout:
                    self._check_out(committed, cache)
        for path in committed.user_edited:
            self.log(logging.WARNING, f"{path} has changes of yours, which stay; the new version is in the commit")
        pushed, push_error = self._push(committed)
        names = {target: target.path.removeprefix(self.repository.prefix) for target in committed.targets}
        changed = frozenset(
            name
            for target, name in names.items()
            if target.changed or (is_retry and is_last_commit_about(self.repository, target, message_fields))
        )
        web_page = find_commit_url(self.repository, committed.id)
        return Version(self.repository.name, committed.id, data, changed, pushed, push_error, web_page)

    def _commit(
        self, data: Mapping[str, DvcData], message_fields: Mapping[str, str], cache: Store, note: IO[str]
    ) -> CommitResult:
        for _ in range(_MAX_TRIES):
            if self.clone:
                self.clone.update()
            committed = commit(self.repository, data, message_fields, lambda target: self._check(target, cache), note)
            if self.clone is None or self.clone.publish():
                return committed
        raise VersioningError(f"others pushed to {self.repository.name} at each of {_MAX_TRIES} tries", temporary=True)

    def _check(self, target: Target, cache: Store) -> None:
        if self.checkout and target.previous is None:
            check_not_overwriting(cache, target.data.oid, self.repository.git.folder / target.path)

    def _check_out(self, committed: CommitResult, cache: Store) -> None:
        for target in committed.targets:
            path = self.repository.git.folder / target.path
            previous_oid = target.previous.oid if target.previous else ""
            if not check_out(self.repository, cache, target.data.oid, path, previous_oid):
                self.log(
                    logging.WARNING,
                    f"{path} has changes of yours, which stay; `dvc checkout --force {target.pointer}` in "
                    f"{self.repository.git.folder} brings the new version",
                )

    def _push(self, committed: CommitResult) -> tuple[int | None, str]:
        oids = {target.data.oid: target.remote for target in committed.targets if target.pushed}
        try:
            return push(self.repository, oids, self.remote), ""
        except VersioningError as error:
            return None, str(error)
