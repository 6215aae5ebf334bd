"""The store and the folder that a running task works in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlcraft import settings
from airflow_mlcraft.cwl.plan import Json
from airflow_mlcraft.cwl.portable import placed

if TYPE_CHECKING:
    from airflow_mlcraft.cwl.containers import Containers
    from airflow_mlcraft.store.store import Store

Say = Callable[[int, str], None]


@dataclass
class Work:
    """One task's hands: files come out of the store into a folder, and results go back."""

    store: Store
    folder: Path
    base: str
    _known: dict[str, str] = field(default_factory=dict)
    _brought: set[str] = field(default_factory=set)
    _stages: int = 0

    def stage(self, value: Json, *, writable: bool = False) -> Json:
        """A value whose files are in place; copies when a tool is to change them."""
        from airflow_mlcraft.store.values import stage_value

        self._stages += 1
        value = placed(value, self.base)
        self.bring(value)
        return stage_value(
            self.store,
            value,
            self.folder / f"in{self._stages}",
            known=self._known,
            writable=writable,
        )

    def keep(self, value: Json) -> Json:
        """A value whose files are in the store; what the task made is handed over, the rest is copied."""
        from airflow_mlcraft.store.values import keep_value

        return keep_value(self.store, value, made_in=self.folder, known=self._known, brought=self._brought)

    def bring(self, value: Json) -> None:
        """Let a tool's outputs link to the files of a value that are where the document has them."""
        from airflow_mlcraft.store.values import each_file_or_directory, local_path

        self._brought |= {path for item in each_file_or_directory(value) if (path := local_path(item))}

    def room(self) -> Path:
        """A new empty folder to run a tool in."""
        self._stages += 1
        room = self.folder / f"run{self._stages}"
        room.mkdir()
        return room


def open_store() -> Store:
    """The store that the settings name."""
    if connection := settings.get("store_conn_id"):
        from airflow_mlcraft.hooks.store import StoreHook

        return StoreHook(connection).get_conn()
    from airflow_mlcraft.store.store import Store

    return Store(settings.get_path("store"), remote=settings.get("store_remote"))


@contextmanager
def work(base: str) -> Iterator[Work]:
    """A task's work: its folder is on the store's own file system, and is gone afterwards."""
    from airflow_mlcraft.store.task_folders import WorkFolder

    store = open_store()
    with WorkFolder(store.root) as folder:
        yield Work(store, folder, base)


def containers() -> Containers:
    """How tools that name a container are run here."""
    from airflow_mlcraft.cwl.containers import Containers

    return Containers(
        use=settings.get_choice("containers"),  # type: ignore[arg-type]
        engine=settings.get_choice("container_engine"),  # type: ignore[arg-type]
        pull=settings.get_bool("container_pull"),
        network=settings.get("container_network"),
    )
