"""Archives of unsent records: a worker whose disk is deleted hands them to another worker, which sends them."""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

from airflow_mlcraft.common.safe_names import is_safe_relative_path
from airflow_mlcraft.errors import MlcraftError
from airflow_mlcraft.tracking.spool.spool import Spool

_FOLDERS = ("files", "sent", "lines")


def pack(spool: Spool) -> bytes:
    """Pack all closed files of a spool; b"" if there are none."""
    stems = spool.list_closed()
    if not stems:
        return b""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        # The lines last: once they exist, a sender may send them.
        for folder in _FOLDERS:
            for stem in stems:
                path = spool.lines_path(stem) if folder == "lines" else spool.root / folder / stem
                if path.exists():
                    archive.add(path, f"{folder}/{path.name}")
    return buffer.getvalue()


def unpack(spool: Spool, archive: bytes) -> None:
    """Unpack an archive into a spool. Records that are unpacked twice are delivered twice, without harm."""
    spool.create_folders()
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
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
