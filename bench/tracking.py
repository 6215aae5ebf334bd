"""Seconds that tracking adds: to the steps of a workflow, and to a forked process that works a while."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import tracked_runs
from bench.measure import Figure, environment, median
from tests.tracking.server import Server, free_port

ROUNDS = 15

_STEPS = """
import hashlib, json, os, sys, time
from contextlib import nullcontext
folder, rounds, ways = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])

def work():
    for _ in range(40):
        hashlib.sha256(bytes(4_000_000)).digest()

def spooled(number, uri, **options):
    from airflow_mlcraft.tracking.names import DagRunName, StepName
    from airflow_mlcraft.tracking.client import TrackingClient
    tracking = TrackingClient(uri, spool=folder + "/spool", linger=5, **options)
    with tracking.step(StepName(DagRunName("bench", "run"), "train", number)) as run:
        run.params({f"p{i}": i for i in range(10)})
        run.dataset("data.csv", md5="d" * 32)
        work()
        for step in range(50):
            run.metric("loss", 1 / (step + 1), step)
        run.text("x" * 100_000, "plot.svg")

def by_mlflow(number, uri):
    import mlflow
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("bench")
    with mlflow.start_run(run_name=f"train [{number}]"):
        mlflow.log_params({f"p{i}": i for i in range(10)})
        work()
        for step in range(50):
            mlflow.log_metric("loss", 1 / (step + 1), step)
        mlflow.log_text("x" * 100_000, "plot.svg")

took = {way: [] for way in ways}
for number in range(rounds):
    for place, (way, options) in enumerate(ways.items()):
        begun = time.perf_counter()
        child = os.fork()
        if child == 0:
            kind = options.pop("kind")
            {"none": lambda number: work(), "spool": spooled, "mlflow": by_mlflow}[kind](
                number * len(ways) + place, **options)
            os._exit(0)
        _, status = os.wait()
        assert status == 0, way
        took[way].append(time.perf_counter() - begun)
json.dump(took, sys.stdout)
"""


def figures() -> list[Figure]:
    """Medians of steps in turn; the first of each way, which starts the sender, is among them."""
    with TemporaryDirectory(prefix="bench-tracking-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = Server(folder)
        server.start()
        down, database = f"http://127.0.0.1:{free_port()}", f"sqlite:///{folder}/embedded.db"
        try:
            ours = _measure(
                folder,
                {
                    "none": {"kind": "none"},
                    "database": {"kind": "spool", "uri": database},
                    "server": {"kind": "spool", "uri": server.uri},
                    "down": {"kind": "spool", "uri": down},
                    "pod": {"kind": "spool", "uri": server.uri, "wait": True, "limit": 30},
                },
                ROUNDS,
            )
            theirs = _measure(
                folder, {"none": {"kind": "none"}, "mlflow": {"kind": "mlflow", "uri": server.uri}}, ROUNDS // 3
            )
            runs = tracked_runs.measure(folder / "runs", database=f"sqlite:///{folder}/runs.db", server=server.uri)
        finally:
            server.kill()
    return [
        tracked_runs.figure(
            "Seconds that tracking adds to a step of a workflow, into a database in a file", runs, "database"
        ),
        tracked_runs.figure("the same into a tracking server", runs, "server"),
        _figure("Seconds that it adds to a forked process, into a database in a file", ours, "database", "≤ 0.15"),
        _figure("the same into a tracking server", ours, "server", "≤ 0.15"),
        _figure("the same into a server that is down", ours, "down", "≤ 0.15"),
        _figure("the same when the step waits until it is sent, as in a pod", ours, "pod", ""),
        _figure("the same by `import mlflow` in the step", theirs, "mlflow", ""),
    ]


def _measure(folder: Path, ways: dict[str, dict[str, object]], rounds: int) -> dict[str, list[float]]:
    environ = environment(folder)
    process = subprocess.run(
        [sys.executable, "-c", _STEPS, str(folder), str(rounds), json.dumps(ways)],
        env={name: value for name, value in environ.items() if not name.startswith("MLFLOW_")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise SystemExit(process.stderr[-3000:])
    results: dict[str, list[float]] = json.loads(process.stdout.splitlines()[-1])
    return results


def _figure(name: str, seconds_by_way: dict[str, list[float]], way: str, aim: str) -> Figure:
    with_, without = median(seconds_by_way[way]), median(seconds_by_way["none"])
    worst = max(seconds_by_way[way]) - without
    return Figure(
        name, with_ - without, aim, f"{with_:.3f} s / {without:.3f} s untracked; the slowest step {worst:+.2f} s"
    )
