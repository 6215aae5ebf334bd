"""The scripts of the package: `warm_entry.py mlcraft|cwl_runner …`."""

from __future__ import annotations

import sys

from airflow_mlcraft.cli import entry

if __name__ == "__main__":
    name, *words = sys.argv[1:]
    sys.argv = [f"/bin/{name}", *words]
    getattr(entry, name)()
