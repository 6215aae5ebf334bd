"""Where a search remembers its trials: in memory, or in a file that outlives a killed process."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_mlcraft.errors import StepError


@contextmanager
def storage(journal: Path | None) -> Iterator[Any]:
    """Optuna's storage. One process at a time has the file; the system frees it however that process ends."""
    if journal is None:
        from optuna.storages import InMemoryStorage

        yield InMemoryStorage()
        return
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepError("another process is at work on the same search; try again later", temporary=True) from None
        _drop_half_line(journal)
        held: Any = _Held()
        yield JournalStorage(JournalFileBackend(str(journal), lock_obj=held))


class _Held:
    """A lock for Optuna, whose own would wait half a minute for a killed process. The file is ours already."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return


def _drop_half_line(journal: Path) -> None:
    """A process that was killed while it wrote leaves the beginning of a line."""
    with journal.open("r+b") as handle:
        content = handle.read()
        handle.truncate(content.rfind(b"\n") + 1)
