"""Check of symbolic links in a tool's outputs: a link to /etc/shadow made in a container would name the host's file."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import OutputError

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store


def check_links(folder: str, path: str, store: Store, input_folders: Collection[str] = ()) -> None:
    """Raise OutputError for a symbolic link in an output that leads out of its folder, the store and the inputs."""
    allowed = tuple(os.path.realpath(one) + os.sep for one in (folder, str(store.root), *input_folders))
    for link in _find_links(path):
        target = os.path.realpath(link)
        if not f"{target}{os.sep}".startswith(allowed):
            name = os.path.basename(link)  # noqa: PTH119
            raise OutputError(
                f"The output {name} is a symbolic link to {target}, outside of the tool's folder; make it a file."
            )


def _find_links(path: str) -> Iterator[str]:
    if os.path.realpath(path) != path:
        yield path
    for root, folders, files in os.walk(path):
        yield from (entry for entry in (os.path.join(root, name) for name in folders + files) if os.path.islink(entry))  # noqa: PTH114, PTH118
