"""The files of a running task: the store, the task's working folder, and how tools run in containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.portable import restore_locations

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.containers import Containers
    from airflow_mlcraft.store.store import Store

LogLine = Callable[[int, str], None]
"""Writes a line to the task's log, with a level of `logging`."""


@dataclass
class TaskFiles:
    """Copies files of values from the store into a task's folder, and its results back into the store."""

    store: Store
    folder: Path
    base: str
    _staged_objects: dict[str, str] = field(default_factory=dict)
    _inputs: set[str] = field(default_factory=set)
    _folders_made: int = 0

    def stage(self, value: Json, *, writable: bool = False) -> Json:
        """The value with its files in the task's folder; as copies when a tool is to change them."""
        from airflow_mlcraft.store.values import stage_value

        self._folders_made += 1
        value = restore_locations(value, self.base)
        self.add_input_files(value)
        return stage_value(
            self.store,
            value,
            self.folder / f"in{self._folders_made}",
            known=self._staged_objects,
            writable=writable,
        )

    def keep(self, value: Json) -> Json:
        """The value with its files in the store; files of the task's folder are moved, others are copied."""
        from airflow_mlcraft.store.values import store_value

        return store_value(
            self.store, value, made_in=self.folder, known=self._staged_objects, input_folders=self._inputs
        )

    def add_input_files(self, value: Json) -> None:
        """Allow a tool's outputs to link to the local files of a value."""
        from airflow_mlcraft.store.values import iterate_files_and_directories, local_path

        self._inputs |= {path for item in iterate_files_and_directories(value) if (path := local_path(item))}

    def make_run_folder(self) -> Path:
        """A new empty folder to run a tool in."""
        self._folders_made += 1
        folder = self.folder / f"run{self._folders_made}"
        folder.mkdir()
        return folder


def open_store() -> Store:
    """The store that the settings name."""
    if connection := settings.get("store_conn_id"):
        from airflow_mlcraft.hooks.store import StoreHook

        return StoreHook(connection).get_conn()
    from airflow_mlcraft.store.store import Store

    return Store(settings.get_path("store"), remote=settings.get("store_remote"))


@contextmanager
def open_task_files(base: str, store: Store | None = None) -> Iterator[TaskFiles]:
    """The files of a task. Its folder is on the store's own file system, and is deleted afterwards."""
    from airflow_mlcraft.store.task_folders import WorkFolder

    store = store or open_store()
    with WorkFolder(store.root) as folder:
        yield TaskFiles(store, folder, base)


def container_settings() -> Containers:
    """The container settings: whether tools run in the container that they name, and in which engine."""
    from airflow_mlcraft.cwl.containers import Containers

    return Containers(
        use=settings.get_choice("containers"),  # type: ignore[arg-type]
        engine=settings.get_choice("container_engine"),  # type: ignore[arg-type]
        pull=settings.get_bool("container_pull"),
        network=settings.get("container_network"),
    )
