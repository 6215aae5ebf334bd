"""The spool: a folder of lines of JSON that are to be delivered, one file for each writer.

lines/<stem>.jsonl   the records of a writer; locked by it while it lives
files/<stem>/        files that the records refer to
sent/<stem>          the position up to which the lines are delivered; locked by the process that delivers them
runs/<key>           the MLflow run of a key, once it is known
tries/<stem>         the number of failed deliveries of a file
refused/             lines that the store refused, by day; <stem>.jsonl, <stem>.files/ and <stem>.reason of a
                     whole file that could not be delivered: to try it again, move the first two back
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from airflow_mlcraft.common.files import write_atomically
from airflow_mlcraft.common.locks import try_lock

Record = dict[str, Any]


class Spool:
    """A spool on disk. Any number of processes may write to it and deliver from it."""

    def __init__(self, root: str | os.PathLike[str]):
        self.root = Path(root)

    def writer(self, key: str) -> Writer:
        """Open a new file of lines."""
        self.create_folders()
        return Writer(self, f"{time.time_ns() // 1000:017d}-{key[:12]}-{secrets.token_hex(4)}")

    def create_folders(self) -> None:
        """Create the folders."""
        for name in ("lines", "files", "sent", "runs"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def list_pending(self) -> list[str]:
        """Return the stems of the files that are not fully delivered, the oldest first."""
        try:
            found = [path.name for path in (self.root / "lines").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name.removesuffix(".jsonl") for name in found if not name.startswith("."))

    def list_closed(self) -> list[str]:
        """Return the stems of the files whose writer is gone."""
        return [stem for stem in self.list_pending() if self.writer_is_gone(stem)]

    def writer_is_gone(self, stem: str) -> bool:
        """Whether the writer of a file has closed it or died."""
        try:
            with self.lines_path(stem).open("rb") as handle:
                # A shared lock: processes that check at the same moment do not mistake each other for the writer.
                return try_lock(handle, shared=True)
        except FileNotFoundError:
            return False

    def lines_path(self, stem: str) -> Path:
        """Return the file of lines of a stem."""
        return self.root / "lines" / f"{stem}.jsonl"

    def files_path(self, stem: str) -> Path:
        """Return the folder of the files that the lines of a stem refer to."""
        return self.root / "files" / stem

    def position_path(self, stem: str) -> Path:
        """Return the file with the position up to which a stem is delivered."""
        return self.root / "sent" / stem

    def find_run(self, key: str) -> Record | None:
        """Return the MLflow run of a key if it is saved in this spool, or None."""
        try:
            found: Record = json.loads(self.run_note_path(key).read_bytes())
        except (OSError, json.JSONDecodeError):
            return None
        return found

    def has_runs(self) -> bool:
        """Whether any run is saved, which means that the store has answered before."""
        return any((self.root / "runs").glob("[!.]*"))

    def run_note_path(self, key: str) -> Path:
        """Return the file with the MLflow run of a key, which exists once the run is known."""
        return self.root / "runs" / key

    def save_run(self, key: str, run: Record | None) -> None:
        """Save the MLflow run of a key; None removes it."""
        path = self.run_note_path(key)
        if run is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, json.dumps(run).encode())

    def read_delivery_error(self) -> Record | None:
        """Return why nothing can be delivered, and since when; None if the last delivery succeeded."""
        try:
            found: Record = json.loads((self.root / "trouble").read_bytes())
        except (OSError, json.JSONDecodeError):
            return None
        return found

    def save_delivery_error(self, reason: str) -> None:
        """Save why nothing can be delivered; "" clears the error."""
        path = self.root / "trouble"
        if not reason:
            path.unlink(missing_ok=True)
        elif self.root.is_dir():
            since = (self.read_delivery_error() or {}).get("since", time.time())
            write_atomically(path, json.dumps({"reason": reason, "since": since}).encode())

    @contextlib.contextmanager
    def delivery(self, stem: str) -> Iterator[Delivery | None]:
        """Lock a file for delivery; yields None if another process delivers it, or it is already delivered."""
        try:
            handle = self.position_path(stem).open("a+")
        except FileNotFoundError:
            yield None
            return
        with handle:
            if not try_lock(handle):
                yield None
                return
            if not self.lines_path(stem).exists():
                # Finished by another process since the folder was listed: `open` has created it again.
                self.position_path(stem).unlink(missing_ok=True)
                yield None
                return
            yield Delivery(self, stem, handle)

    def count_failure(self, stem: str) -> int:
        """Count a failed delivery of a file, across processes; return the number of failures."""
        path = self.root / "tries" / stem
        count = 1 + (int(text) if path.is_file() and (text := path.read_text()).isdecimal() else 0)
        write_atomically(path, str(count).encode())
        return count

    def reset_failures(self, stem: str) -> None:
        """Reset the number of failures of a file."""
        (self.root / "tries" / stem).unlink(missing_ok=True)

    def set_aside(self, stem: str, reason: str) -> Path:
        """Move a file that cannot be delivered to `refused`; return its new path."""
        refused = self.root / "refused"
        write_atomically(refused / f"{stem}.reason", f"{reason}\n".encode())
        with contextlib.suppress(FileNotFoundError):
            self.files_path(stem).rename(refused / f"{stem}.files")
        moved = refused / f"{stem}.jsonl"
        with contextlib.suppress(FileNotFoundError):
            self.lines_path(stem).rename(moved)
        self.position_path(stem).unlink(missing_ok=True)
        self.reset_failures(stem)
        return moved

    def list_recently_set_aside(self, seconds: float = 86400) -> list[Path]:
        """Return the files that were set aside within the last `seconds`."""
        reasons = sorted((self.root / "refused").glob("*.reason"))
        return [path.with_suffix(".jsonl") for path in reasons if time.time() - path.stat().st_mtime < seconds]

    def record_refusal(self, record: Record, reason: str) -> None:
        """Write a record that the store refused to the file of the day."""
        (self.root / "refused").mkdir(exist_ok=True)
        with (self.root / "refused" / f"{time.strftime('%Y-%m-%d')}.jsonl").open("a") as handle:
            handle.write(json.dumps({"reason": reason, **record}) + "\n")


class Writer:
    """Appends lines to its own file. A line is on its way to disk when the call returns."""

    def __init__(self, spool: Spool, stem: str):
        self.spool = spool
        self.stem = stem
        # Renamed only once it is locked: an unlocked file counts as abandoned by its writer.
        hidden = spool.root / "lines" / f".{stem}"
        self._handle = hidden.open("ab", buffering=0)
        self._size = 0
        try_lock(self._handle)
        hidden.rename(spool.lines_path(stem))

    def write(self, record: Record) -> None:
        """Append a line completely or not at all: a partial line would corrupt the next one."""
        line = json.dumps(record, default=str).encode() + b"\n"
        try:
            if self._handle.write(line) != len(line):
                raise OSError(errno.ENOSPC, "no space left for what is tracked", str(self.spool.lines_path(self.stem)))
        except OSError:
            self._handle.truncate(self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Sync the lines to disk and release the lock, which marks the file as closed."""
        if not self._handle.closed:
            os.fsync(self._handle.fileno())
            self._handle.close()

    def add_file(self, source: Path, *, hand_over: bool) -> str:
        """Copy a file or folder into the spool, or link it with `hand_over`; return its name there."""
        name = f"{secrets.token_hex(4)}-{source.name}"
        target = self.spool.files_path(self.stem) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = _link_or_copy if hand_over else shutil.copy2
        if source.is_dir():
            shutil.copytree(source, target, copy_function=copy)
        else:
            copy(source, target)
        return name

    def add_text(self, text: str, name: str) -> str:
        """Write a text into the spool; return its name there."""
        stored_name = f"{secrets.token_hex(4)}-{name}"
        target = self.spool.files_path(self.stem) / stored_name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return stored_name


class Delivery:
    """A file of lines that is locked for delivery."""

    def __init__(self, spool: Spool, stem: str, handle: IO[str]):
        self._spool = spool
        self._stem = stem
        self._position_file = handle

    def read_header(self) -> Record | None:
        """Return the first record, which describes the run; None if it is not written yet."""
        with self._spool.lines_path(self._stem).open("rb") as handle:
            line = handle.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def has_end(self) -> bool:
        """Whether the last record is an `end` or `pause`: otherwise the writer died."""
        line = self._spool.lines_path(self._stem).read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(line)["op"] in ("end", "pause")
        return False

    def read_undelivered(self) -> tuple[list[tuple[Record, int]], bool]:
        """Return the undelivered records, each with the position of its end, and whether the writer is gone."""
        writer_gone = self._spool.writer_is_gone(self._stem)
        self._position_file.seek(0)
        text = self._position_file.read()
        # If a power loss has corrupted the position, everything is delivered again.
        position = int(text) if text.isdecimal() else 0
        found = []
        with self._spool.lines_path(self._stem).open("rb") as handle:
            handle.seek(position)
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                position += len(line)
                found.append((_parse_line(line), position))
        return found, writer_gone

    def save_position(self, position: int) -> None:
        """Save the position up to which the lines are delivered; if it is lost, they are delivered again."""
        self._position_file.seek(0)
        self._position_file.truncate()
        self._position_file.write(str(position))
        self._position_file.flush()

    def remove_files(self) -> None:
        """Remove the files of a stem after the delivery of all records."""
        shutil.rmtree(self._spool.files_path(self._stem), ignore_errors=True)
        self._spool.lines_path(self._stem).unlink(missing_ok=True)
        self._spool.position_path(self._stem).unlink(missing_ok=True)


def _parse_line(line: bytes) -> Record:
    """Parse a line; a corrupt line becomes an `unreadable` record, which is refused without the rest of the file."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) and "op" in record else {"op": "unreadable", "line": repr(line[:500])}


def _link_or_copy(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
