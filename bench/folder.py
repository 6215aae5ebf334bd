"""A large folder of documents in one DAG file, in a real DAG processor with Airflow's own limits.

The environment variable `MLCRAFT_BENCH_DOCUMENTS` sets the number of documents.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measure import Figure, isolated_environment

DOCUMENTS = int(os.environ.get("MLCRAFT_BENCH_DOCUMENTS", "3000"))
SHOWN, WATCHED, BUSY = 180.0, 75.0, 110.0
"""Seconds: to wait for all DAGs at most, then to watch them alone, and beside processes that keep all cores busy."""
LIMIT = 50.0
"""Airflow's `dag_file_processor_timeout`."""
_BUSY_FOR_EACH_CORE = 3


def figures() -> list[Figure]:
    """The figures of the DAG processor's work; the documents are compiled before, as by `mlcraft cwl import`."""
    with TemporaryDirectory(prefix="bench-folder-") as name:
        home = Path(name)
        environment = isolated_environment(home, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home / 'airflow.db'}")
        _write_documents(home / "cwl")
        (home / "dags").mkdir()
        (home / "dags" / "cwl_dags.py").write_text(
            f"from airflow_mlcraft import load_cwl_dags\n\nload_cwl_dags(globals(), {str(home / 'cwl')!r})\n"
        )
        _run(["-m", "airflow", "db", "migrate"], environment)
        _compile(home, environment)
        return _watch_processor(home, environment)


def _watch_processor(home: Path, environment: dict[str, str]) -> list[Figure]:
    with _dag_processor(home, environment) as started:
        counts = list(_counts(home, started + SHOWN, until=DOCUMENTS))
        first = next((count for _, count, _ in counts if count), 0)
        seconds = counts[-1][0] - started
        built = max((parse_seconds for _, _, parse_seconds in counts), default=0.0)
        idle = list(_counts(home, time.monotonic() + WATCHED))
        with _busy_cores():
            busy_counts = list(_counts(home, time.monotonic() + BUSY))
    shown = [count for _, count, _ in [*counts, *idle, *busy_counts]]
    most = [max(shown[: moment + 1]) for moment in range(len(shown))]
    smallest = min((count / largest for count, largest in zip(shown, most, strict=True) if largest), default=0.0)
    return [
        Figure(
            "DAGs after the first parse of a folder / its documents",
            first / DOCUMENTS,
            "",
            f"{first:,} of {DOCUMENTS:,}; all after {seconds:.0f} s",
        ),
        Figure(
            "fewest DAGs at any later moment / most before it",
            smallest,
            "≥ 1.00",
            f"{WATCHED:.0f} s alone, {BUSY:.0f} s beside {_BUSY_FOR_EACH_CORE} busy processes a core; "
            f"{shown[-1]:,} at the end",
        ),
        Figure(
            "a parse of the unchanged folder / Airflow's limit",
            max(parse_seconds for _, _, parse_seconds in idle[len(idle) // 2 :]) / LIMIT,
            "≤ 0.30",
            f"{max(parse_seconds for _, _, parse_seconds in idle[len(idle) // 2 :]):.1f} s; "
            f"the longest that built DAGs {built:.1f} s",
        ),
        Figure(
            "the same beside busy processes / Airflow's limit",
            max(parse_seconds for _, _, parse_seconds in busy_counts) / LIMIT,
            "≤ 0.90",
            f"{max(parse_seconds for _, _, parse_seconds in busy_counts):.1f} s",
        ),
    ]


def _counts(home: Path, end: float, until: int | None = None) -> Iterator[tuple[float, int, float]]:
    """Iterate over moments, with the number of DAGs that Airflow shows and the seconds of its last parse."""
    while time.monotonic() < end:
        with closing(sqlite3.connect(home / "airflow.db", timeout=60)) as connection:
            count, parse_seconds = connection.execute(
                "select count(*), max(last_parse_duration) from dag where is_stale = 0"
            ).fetchone()
        yield time.monotonic(), count, parse_seconds or 0.0
        if count == until:
            return
        time.sleep(2)


@contextmanager
def _dag_processor(home: Path, environment: dict[str, str]) -> Iterator[float]:
    with (home / "dag_processor.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "dag-processor"], env=environment, cwd=home, stdout=log, stderr=log
        )
        try:
            yield time.monotonic()
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def _busy_cores() -> Iterator[None]:
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(_BUSY_FOR_EACH_CORE * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


_COMPILE = """
import sys
from pathlib import Path
from airflow_mlcraft.layout.plan_cache import open_plan_cache
cache = open_plan_cache()
for path in sys.stdin.read().splitlines():
    cache.plan_of(Path(path))
"""


def _compile(home: Path, environment: dict[str, str]) -> None:
    paths = sorted(map(str, (home / "cwl").rglob("*.cwl")))
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores) as pool:
        list(pool.map(_compile_batch, [(paths[core::cores], environment) for core in range(cores)]))


def _compile_batch(paths_and_environment: tuple[list[str], dict[str, str]]) -> None:
    paths, environment = paths_and_environment
    subprocess.run([sys.executable, "-c", _COMPILE], input="\n".join(paths), text=True, env=environment, check=True)


def _run(arguments: list[str], environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)


def _write_documents(folder: Path) -> None:
    """Write two tools for each three workflows of two to six steps, all different."""
    for number in range(DOCUMENTS):
        path = folder / f"group_{number % 20}" / f"document_{number:05}.cwl"
        path.parent.mkdir(parents=True, exist_ok=True)
        document = _tool(number) if number % 5 < 2 else _workflow(number)
        path.write_text(json.dumps({"cwlVersion": "v1.2", **document}, indent=1))


def _tool(number: int) -> dict[str, Any]:
    return {
        "class": "CommandLineTool",
        "label": f"Tool {number}",
        "doc": f"Counts the words of a file, number {number}.",
        "baseCommand": ["wc", "-w"],
        "requirements": {"ResourceRequirement": {"coresMin": 1, "ramMin": 256}},
        "inputs": {
            "file": {"type": "File?", "inputBinding": {"position": 1}},
            "times": {"type": "int", "default": number % 7, "label": "How often"},
            "mode": {"type": {"type": "enum", "symbols": ["fast", "exact"]}, "default": "fast"},
        },
        "outputs": {"count": {"type": "stdout"}},
        "stdout": "count.txt",
    }


def _workflow(number: int) -> dict[str, Any]:
    length = 2 + number % 5
    steps = {
        f"step_{at}": {
            "run": _tool(number),
            "in": {"file": f"step_{at - 1}/count" if at else "file", "times": "times"},
            "out": ["count"],
        }
        for at in range(length)
    }
    return {
        "class": "Workflow",
        "label": f"Workflow {number}",
        "inputs": {"file": "File?", "times": {"type": "int", "default": number % 5}},
        "outputs": {"count": {"type": "File", "outputSource": f"step_{length - 1}/count"}},
        "steps": steps,
    }
