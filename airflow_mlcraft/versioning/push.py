"""Push of objects to the DVC remote of a repository, by DVC itself, which supports all kinds of remotes.

Each object has a note file until it is pushed, so that a later run pushes it after a failure. There is no
repository-wide lock: pushing an object twice does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_mlcraft.common.extras import require_extra
from airflow_mlcraft.common.urls import remove_userinfo
from airflow_mlcraft.errors import VersioningError

if TYPE_CHECKING:
    from airflow_mlcraft.versioning.repository import Repository


@dataclass(frozen=True)
class Remote:
    """The name of a DVC remote, if not the default one, and its options, which include credentials."""

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def get_name(self, repository: Repository) -> str:
        """Return the remote's name in a repository; "" if the repository has no default remote."""
        return self.name or str(repository.config["core"].get("remote") or "")


def push(repository: Repository, oids: Mapping[str, str], remote: Remote) -> int | None:
    """Push objects, each to its remote ("" for the default), and those that an earlier call could not push.

    Returns how many objects were sent; None if there is no remote. After an error, a later call continues.
    """
    from airflow_mlcraft.adapters.dvc import push_objects

    notes = repository.state_folder / "unpushed"
    notes.mkdir(parents=True, exist_ok=True)
    default = remote.get_name(repository)
    for oid, name in oids.items():
        if name or default:
            (notes / oid).write_text(name or default)
    unpushed: dict[str, list[str]] = {}
    for note in sorted(notes.iterdir()):
        unpushed.setdefault(note.read_text() or default, []).append(note.name)
    if unpushed:
        require_extra("dvc")
    sent = 0
    for name, found in unpushed.items():
        with _translate_errors(name):
            sent += push_objects(repository.root, name, found, remote.options if name == default else {})
        for oid in found:
            (notes / oid).unlink(missing_ok=True)
    return sent if unpushed else None


@contextmanager
def _translate_errors(name: str) -> Iterator[None]:
    """Raise any error of a remote as a `VersioningError`: each kind of remote has its own errors."""
    try:
        yield
    except Exception as error:
        message = remove_userinfo(str(error) or type(error).__name__).strip().rstrip(".")
        raise VersioningError(
            f"the data could not be pushed to the DVC remote {name}: {message}. It is in the cache, and its pointers "
            "are committed; the next run, or `dvc push`, pushes it",
            temporary=True,
        ) from error
