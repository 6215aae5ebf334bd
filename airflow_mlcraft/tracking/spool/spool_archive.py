"""What could not be sent, as bytes: a worker whose disk goes leaves them behind, and another worker sends them."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

from airflow_mlcraft.common.safe_names import is_safe_relative_path
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.spool.spool import Spool

_FOLDERS = ("files", "sent", "lines")


def pack(spool: Spool) -> bytes:
    """All runs of a spool to which nothing more will be added; nothing at all when there is none."""
    stems = spool.closed()
    if not stems:
        return b""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as parcel:
        # The lines last: once they are there, somebody may send them.
        for folder in _FOLDERS:
            for stem in stems:
                path = spool.lines(stem) if folder == "lines" else spool.root / folder / stem
                if path.exists():
                    parcel.add(path, f"{folder}/{path.name}")
    return made.getvalue()


def unpack(spool: Spool, parcel: bytes) -> None:
    """Put the runs of a parcel into a spool. One that is put there twice is delivered twice, which does no harm."""
    spool.make()
    with tarfile.open(fileobj=io.BytesIO(parcel), mode="r:gz") as opened:
        for member in opened:
            name = PurePosixPath(member.name)
            inside = is_safe_relative_path(str(name)) and name.parts[0] in _FOLDERS
            if not inside or not (member.isfile() or member.isdir()):
                raise MlcraftError(f"{member.name!r} is nothing that a parcel of tracked runs has")
            source = opened.extractfile(member)
            if source is None:
                continue
            target = spool.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            hidden = target.with_name(f".{target.name}")
            hidden.write_bytes(source.read())
            hidden.rename(target)
