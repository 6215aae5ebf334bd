"""Listens to a run, and writes its crate when it is over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import MlcraftError

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.plan import Plan
    from airflow_mlcraft.runner.events import OnEvent, RunResult, TaskEvent


class Recorder:
    """The record of one run of a document (`path` or `path#id`), to be written into a folder."""

    def __init__(self, plan: Plan, document: str, folder: Path):
        from airflow_mlcraft.provenance.source import source_of

        _refuse_used(folder)
        self._plan = plan
        # Now, as somebody may edit the document while it runs.
        self._source = source_of(document, plan.base)
        self._folder = folder.absolute()
        self._tasks: dict[tuple[str, int], TaskEvent] = {}

    def listening(self, on_event: OnEvent) -> OnEvent:
        """An `on_event` that notes each event, and hands it on."""

        def note(event: TaskEvent) -> None:
            self._tasks[event.task_id, event.map_index] = event
            on_event(event)

        return note

    def write(self, result: RunResult) -> None:
        """Write the crate; the run's store must still be there."""
        from airflow_mlcraft.provenance.crate import write_crate
        from airflow_mlcraft.provenance.history import history_of

        run = history_of(self._plan, result, self._tasks)
        try:
            write_crate(run, self._plan, self._source, self._folder)
        except OSError as error:
            raise MlcraftError(f"the provenance cannot be written to {self._folder}: {error}") from error


def _refuse_used(folder: Path) -> None:
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        found = "is not empty" if folder.is_dir() else "is a file"
        raise MlcraftError(f"{folder} {found}; the provenance of a run goes into a folder that is new or empty")
