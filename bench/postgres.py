"""A PostgreSQL server on a free port; for root it runs as the user `postgres`, as it requires."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

START = 30.0


def find_programs() -> Path | None:
    """The folder of PostgreSQL's programs: on the PATH, or in Debian's place."""
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]:
        if folder and all((Path(folder) / name).exists() for name in ("initdb", "postgres")):
            return Path(folder)
    return None


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; gives its URL for SQLAlchemy."""
    programs = find_programs()
    if programs is None:
        raise SystemExit("This benchmark needs PostgreSQL's programs (on Debian the package postgresql).")
    with TemporaryDirectory(prefix="bench-postgres-") as name:
        folder, port = Path(name), free_port()
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
            user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        data = str(folder / "data")
        subprocess.run(
            [str(programs / "initdb"), "-D", data, "-U", "airflow", "-A", "trust", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **user,
        )
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", f"port={port}"]
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", data, *(f"-c{setting}" for setting in settings)],
            stdout=subprocess.DEVNULL,
            stderr=(folder / "log").open("wb"),
            cwd=folder,
            **user,
        )
        try:
            _wait_for(port)
            yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def free_port() -> int:
    """A free port."""
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])
