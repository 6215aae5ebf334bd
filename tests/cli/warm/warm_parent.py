"""A parent that imports nothing for its runs, so that it starts at once: `warm_parent.py FOLDER`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from airflow_mlcraft.cli.warm import server
from airflow_mlcraft.cli.warm.snapshot import take_snapshot


def prepare() -> server.Prepared:
    home = Path(os.environ["MLCRAFT_HOME"])
    return server.Prepared(take_snapshot(os.environ, sys.path, os.getpid(), home), home)


if __name__ == "__main__":
    server.main(sys.argv[1], prepare=prepare)
