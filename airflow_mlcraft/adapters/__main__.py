"""`python -m airflow_mlcraft.adapters` prints what `find_broken` finds in the installed libraries, as a JSON list."""

from __future__ import annotations

import json

from airflow_mlcraft.adapters.contract import find_broken
from airflow_mlcraft.adapters.internals import LIBRARIES

if __name__ == "__main__":
    print(json.dumps([problem for library in LIBRARIES for problem in find_broken(library)]))
