"""What the runs of these tests do, each a function."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any


def main() -> Any:
    function, *words = sys.argv[1:]
    return globals()[function](*words)


def leave(code: str) -> Any:
    if code == "sentence":
        sys.exit("a sentence")
    return sys.exit(int(code))


def fail() -> None:
    print("before")
    raise RuntimeError("it broke")


def interrupt() -> None:
    raise KeyboardInterrupt


def die(number: str) -> None:
    os.kill(os.getpid(), int(number))
    time.sleep(30)


def describe(*words: str) -> None:
    umask = os.umask(0)
    os.umask(umask)
    report = {
        "arguments": sys.argv[1:],
        "folder": str(Path.cwd()),
        "umask": umask,
        "environment": dict(os.environ),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
        "nice": os.nice(0),
        "ignores_interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "terminals": [os.isatty(number) for number in (0, 1, 2)],
        "streams": [sys.stdin.isatty(), sys.stdout.line_buffering, sys.stderr.line_buffering],
        "names": [sys.stdin.name, sys.stdout.name, sys.stderr.name, sys.stdin.encoding],
        "descriptors": sorted(int(path.name) for path in [*Path("/dev/fd").iterdir()] if path.is_symlink()),
        "temporary": tempfile.gettempdir(),
    }
    json.dump(report, sys.stdout)


def chance() -> None:
    with tempfile.NamedTemporaryFile() as file:
        print(random.random(), uuid.uuid4(), file.name)  # noqa: S311


def copy(descriptor: str) -> None:
    """Copy what can be read from a descriptor to stdout, as bytes."""
    with os.fdopen(int(descriptor), "rb") as source:
        sys.stdout.buffer.write(source.read())
    print("é on stderr", file=sys.stderr)


def wait(folder: str, seconds: str = "60") -> None:
    """Wait; what ends it is written into the folder."""
    place = Path(folder)
    try:
        (place / "begun").write_text(f"{os.getpid()}")
        ending = time.monotonic() + float(seconds)
        while time.monotonic() < ending:
            time.sleep(0.02)
    except BaseException as error:
        (place / "ended").write_text(type(error).__name__)
        if isinstance(error, KeyboardInterrupt):
            print("interrupted", flush=True)
            os._exit(130)
        raise


def wait_for_sigterm(folder: str) -> None:
    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    wait(folder)


def size() -> None:
    print(*os.get_terminal_size(), os.isatty(0), os.isatty(2))
    print("name?", input())
