"""The spool: a folder of lines of JSON that are to be delivered, one file for each writer.

lines/<stem>.jsonl   what a writer has said; locked by it while it lives
files/<stem>/        files that the lines speak of
sent/<stem>          how far the lines are delivered; locked by who delivers them
runs/<key>           the run that a key stands for, once it is known
refused/             lines that will never be taken
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

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
                return _lock(handle, fcntl.LOCK_SH)
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
            _write(path, json.dumps(run))

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
            _write(path, json.dumps({"reason": reason, "since": since}))

    @contextlib.contextmanager
    def delivery(self, stem: str) -> Iterator[Delivery | None]:
        """The delivery of a file; None when somebody else has it in hand, or when it is done."""
        try:
            handle = self.sent(stem).open("a+")
        except FileNotFoundError:
            yield None
            return
        with handle:
            if not _lock(handle):
                yield None
                return
            if not self.lines(stem).exists():
                # Finished by another since the folder was read: opening it has made it anew.
                self.sent(stem).unlink(missing_ok=True)
                yield None
                return
            yield Delivery(self, stem, handle)

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
        _lock(self._handle)
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
        place = int(self._sent.read() or 0)
        found = []
        with self._spool.lines(self._stem).open("rb") as handle:
            handle.seek(place)
            for line in handle:
                if not line.endswith(b"\n"):
                    break
                place += len(line)
                found.append((json.loads(line), place))
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


def _lock(handle: IO[Any], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _link_or_copy(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text)
    temporary.rename(path)
