"""The spool: a folder of lines of JSON that are to be delivered, one file for each writer.

lines/<stem>.jsonl   what a writer has said; locked by it while it lives
files/<stem>/        files that the lines speak of
sent/<stem>          how far the lines are delivered; locked by who delivers them
runs/<key>           the run that a key stands for, once it is known
tries/<stem>         how often the delivery of a file has failed by a fault of its own
refused/             lines that will never be taken, by day; <stem>.jsonl, <stem>.files/ and <stem>.reason of a
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
        """A new file of lines."""
        self.make()
        return Writer(self, f"{time.time_ns() // 1000:017d}-{key[:12]}-{secrets.token_hex(4)}")

    def make(self) -> None:
        """Make the folders."""
        for name in ("lines", "files", "sent", "runs"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def waiting(self) -> list[str]:
        """The stems of the files that are there, the oldest first."""
        try:
            found = [path.name for path in (self.root / "lines").iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name.removesuffix(".jsonl") for name in found if not name.startswith("."))

    def closed(self) -> list[str]:
        """The stems of the files to which nothing more will be added."""
        return [stem for stem in self.waiting() if self.writer_is_gone(stem)]

    def writer_is_gone(self, stem: str) -> bool:
        """Whether the writer of a file has closed it, or has died."""
        try:
            with self.lines(stem).open("rb") as handle:
                # Shared: of many who look at the same moment, none takes another one for the writer.
                return try_lock(handle, shared=True)
        except FileNotFoundError:
            return False

    def lines(self, stem: str) -> Path:
        """The file of a stem."""
        return self.root / "lines" / f"{stem}.jsonl"

    def files(self, stem: str) -> Path:
        """The folder of the files that the lines of a stem speak of."""
        return self.root / "files" / stem

    def sent(self, stem: str) -> Path:
        """The file that says how far a stem is delivered."""
        return self.root / "sent" / stem

    def run_of(self, key: str) -> Record | None:
        """The run that a key stands for, as far as this spool has heard."""
        try:
            found: Record = json.loads(self.note_of(key).read_bytes())
        except (OSError, json.JSONDecodeError):
            return None
        return found

    def knows_a_run(self) -> bool:
        """Whether the store has ever answered."""
        return any((self.root / "runs").glob("[!.]*"))

    def note_of(self, key: str) -> Path:
        """The file that says which run a key stands for, once it is known."""
        return self.root / "runs" / key

    def note_run(self, key: str, run: Record | None) -> None:
        """Note the run of a key, or forget it."""
        path = self.note_of(key)
        if run is None:
            path.unlink(missing_ok=True)
        else:
            write_atomically(path, json.dumps(run).encode())

    def trouble(self) -> Record | None:
        """Why nothing could be delivered, and since when; None when all is well."""
        try:
            found: Record = json.loads((self.root / "trouble").read_bytes())
        except (OSError, json.JSONDecodeError):
            return None
        return found

    def note_trouble(self, reason: str) -> None:
        """Note why nothing can be delivered, or, with nothing, that all is well again."""
        path = self.root / "trouble"
        if not reason:
            path.unlink(missing_ok=True)
        elif self.root.is_dir():
            since = (self.trouble() or {}).get("since", time.time())
            write_atomically(path, json.dumps({"reason": reason, "since": since}).encode())

    @contextlib.contextmanager
    def delivery(self, stem: str) -> Iterator[Delivery | None]:
        """The delivery of a file; None when somebody else has it in hand, or when it is done."""
        try:
            handle = self.sent(stem).open("a+")
        except FileNotFoundError:
            yield None
            return
        with handle:
            if not try_lock(handle):
                yield None
                return
            if not self.lines(stem).exists():
                # Finished by another since the folder was read: opening it has made it anew.
                self.sent(stem).unlink(missing_ok=True)
                yield None
                return
            yield Delivery(self, stem, handle)

    def note_failure(self, stem: str) -> int:
        """Count a failure of a file, in all processes that have tried to deliver it; how many there are by now."""
        path = self.root / "tries" / stem
        count = 1 + (int(text) if path.is_file() and (text := path.read_text()).isdecimal() else 0)
        write_atomically(path, str(count).encode())
        return count

    def forget_failures(self, stem: str) -> None:
        """Begin to count anew."""
        (self.root / "tries" / stem).unlink(missing_ok=True)

    def set_aside(self, stem: str, reason: str) -> Path:
        """Move a file that cannot be delivered out of the way; where it is then."""
        refused = self.root / "refused"
        write_atomically(refused / f"{stem}.reason", f"{reason}\n".encode())
        with contextlib.suppress(FileNotFoundError):
            self.files(stem).rename(refused / f"{stem}.files")
        kept = refused / f"{stem}.jsonl"
        with contextlib.suppress(FileNotFoundError):
            self.lines(stem).rename(kept)
        self.sent(stem).unlink(missing_ok=True)
        self.forget_failures(stem)
        return kept

    def lately_set_aside(self, seconds: float = 86400) -> list[Path]:
        """The files that were set aside within so many seconds."""
        reasons = sorted((self.root / "refused").glob("*.reason"))
        return [path.with_suffix(".jsonl") for path in reasons if time.time() - path.stat().st_mtime < seconds]

    def refuse(self, record: Record, reason: str) -> None:
        """Put aside what will never be taken."""
        (self.root / "refused").mkdir(exist_ok=True)
        with (self.root / "refused" / f"{time.strftime('%Y-%m-%d')}.jsonl").open("a") as handle:
            handle.write(json.dumps({"reason": reason, **record}) + "\n")


class Writer:
    """Appends lines to a file of its own. A line is there as soon as the call is back."""

    def __init__(self, spool: Spool, stem: str):
        self.spool = spool
        self.stem = stem
        # Named only once it is locked: a file that nobody has locked counts as left behind.
        hidden = spool.root / "lines" / f".{stem}"
        self._handle = hidden.open("ab", buffering=0)
        self._size = 0
        try_lock(self._handle)
        hidden.rename(spool.lines(stem))

    def write(self, record: Record) -> None:
        """Append a line, or nothing: half a line would spoil the next one."""
        line = json.dumps(record, default=str).encode() + b"\n"
        try:
            if self._handle.write(line) != len(line):
                raise OSError(errno.ENOSPC, "no space left for what is tracked", str(self.spool.lines(self.stem)))
        except OSError:
            self._handle.truncate(self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Make the lines outlast a loss of power, and say that no more will come."""
        if not self._handle.closed:
            os.fsync(self._handle.fileno())
            self._handle.close()

    def take(self, source: Path, *, hand_over: bool) -> str:
        """Keep a file or folder until it is sent; its name in the spool."""
        name = f"{secrets.token_hex(4)}-{source.name}"
        target = self.spool.files(self.stem) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = _link_or_copy if hand_over else shutil.copy2
        if source.is_dir():
            shutil.copytree(source, target, copy_function=copy)
        else:
            copy(source, target)
        return name

    def put(self, text: str, name: str) -> str:
        """Keep a text until it is sent; its name in the spool."""
        place = f"{secrets.token_hex(4)}-{name}"
        target = self.spool.files(self.stem) / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return place


class Delivery:
    """A file of lines in the hands of who delivers it."""

    def __init__(self, spool: Spool, stem: str, handle: IO[str]):
        self._spool = spool
        self._stem = stem
        self._sent = handle

    def first(self) -> Record | None:
        """What the file begins with: which run it is about."""
        with self._spool.lines(self._stem).open("rb") as handle:
            line = handle.readline()
        return json.loads(line) if line.endswith(b"\n") else None

    def ended(self) -> bool:
        """Whether the file says itself that it ends."""
        line = self._spool.lines(self._stem).read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(line)["op"] in ("end", "pause")
        return False

    def ahead(self) -> tuple[list[tuple[Record, int]], bool]:
        """The lines that are not delivered, each with where it ends; and whether the writer is gone."""
        gone = self._spool.writer_is_gone(self._stem)
        self._sent.seek(0)
        text = self._sent.read()
        # What a loss of power has spoilt is delivered again.
        place = int(text) if text.isdecimal() else 0
        found = []
        with self._spool.lines(self._stem).open("rb") as handle:
            handle.seek(place)
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                place += len(line)
                found.append((_record_of(line), place))
        return found, gone

    def done_to(self, place: int) -> None:
        """Note how far the lines are delivered; should this be lost, they are delivered again."""
        self._sent.seek(0)
        self._sent.truncate()
        self._sent.write(str(place))
        self._sent.flush()

    def finish(self) -> None:
        """All is delivered: nothing of it stays."""
        shutil.rmtree(self._spool.files(self._stem), ignore_errors=True)
        self._spool.lines(self._stem).unlink(missing_ok=True)
        self._spool.sent(self._stem).unlink(missing_ok=True)


def _record_of(line: bytes) -> Record:
    """A line as a record; one that a fault of the disk has spoilt is refused alone, and not the whole file."""
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
