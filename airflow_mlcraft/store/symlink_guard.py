"""A tool's outputs must not lead out of its folder: in a container, a link to /etc/shadow is the host's out here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from airflow_mlcraft.errors import OutputError

if TYPE_CHECKING:
    from airflow_mlcraft.store.store import Store


def refuse_links_outside(folder: str, path: str, store: Store, brought: Collection[str] = ()) -> None:
    """Refuse an output with a symbolic link to anything but its folder's files, the store's, and what was brought."""
    allowed = tuple(os.path.realpath(own) + os.sep for own in (folder, str(store.root), *brought))
    for link in _links(path):
        target = os.path.realpath(link)
        if not f"{target}{os.sep}".startswith(allowed):
            name = os.path.basename(link)  # noqa: PTH119
            raise OutputError(
                f"The output {name} is a symbolic link to {target}, outside of the tool's folder; make it a file."
            )


def _links(path: str) -> Iterator[str]:
    if os.path.realpath(path) != path:
        yield path
    for root, folders, files in os.walk(path):
        yield from (entry for entry in (os.path.join(root, name) for name in folders + files) if os.path.islink(entry))  # noqa: PTH114, PTH118
