"""A machine-learning workflow as real DAG runs of one warm process: tracked in one way or another, or not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench.measure import ROOT, Figure, isolated_environment, median

ROUNDS = 5
UNTRACKED = "untracked"
MODELS = ("naive_bayes", "decision_tree", "k_neighbors", "logistic_regression")
STEPS = 3 + len(MODELS)

_RUNS = """
import json, os, sys, time
from importlib import import_module
from pathlib import Path
from airflow_mlcraft.runner.home import prepare_embedded_airflow
prepare_embedded_airflow()
from airflow_mlcraft.runner.preload import warm_up
warm_up()
for name in ("matplotlib.figure", "pandas", "pyarrow.parquet", "skops.io", "sklearn.ensemble", "sklearn.inspection"):
    import_module(name)
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.runner.run_dag import run_dag
from airflow_mlcraft.runner.events import task_label

document, rounds, models, ways = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4])

def run(settings):
    os.environ.update({f"AIRFLOW__MLCRAFT__{name.upper()}": value for name, value in settings.items()})
    steps = {}
    def note(event):
        if event.ended and event.state == "success":
            steps[task_label(event.task_id, event.map_index)] = (event.ended - event.started).total_seconds()
    dag = CwlDag(document)
    begun = time.perf_counter()
    result = run_dag(dag, conf={"models": models}, parallel=1, on_event=note)
    took = time.perf_counter() - begun
    assert result.ok, result
    return {"run": took, **steps}

took = {way: [] for way in ways}
for number in range(rounds + 1):
    for way, settings in ways.items():
        found = run(settings)
        if number:
            took[way].append(found)
print(json.dumps(took))
"""


def measure(folder: Path, **uris: str) -> dict[str, list[dict[str, float]]]:
    """The seconds of runs and of their steps, for each store and without one, without the first, which fills caches."""
    folder.mkdir(exist_ok=True)
    ways = {
        UNTRACKED: {"tracking": "never"},
        **{way: {"tracking": "always", "tracking_uri": uri} for way, uri in uris.items()},
    }
    env = isolated_environment(folder, AIRFLOW__MLCRAFT__REUSE="False")
    document = ROOT / "tests" / "documents" / "learning.cwl"
    process = subprocess.run(
        [sys.executable, "-c", _RUNS, str(document), str(ROUNDS), json.dumps(MODELS), json.dumps(ways)],
        env={name: value for name, value in env.items() if not name.startswith("MLFLOW_")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        raise SystemExit(f"The runs failed:\n{process.stderr[-3000:]}")
    results: dict[str, list[dict[str, float]]] = json.loads(process.stdout.splitlines()[-1])
    return results


def figure(name: str, seconds_by_way: dict[str, list[dict[str, float]]], way: str) -> Figure:
    """The overhead for each step, computed from the whole run."""
    with_, without = _medians(seconds_by_way[way]), _medians(seconds_by_way[UNTRACKED])
    slowest = max(without.keys() - {"run"}, key=lambda step: with_[step] - without[step])
    return Figure(
        name,
        (with_["run"] - without["run"]) / STEPS,
        "≤ 0.15",
        f"a run of {STEPS} steps {with_['run']:.2f} s / {without['run']:.2f} s untracked; most for {slowest}, "
        f"{with_[slowest] - without[slowest]:+.2f} s",
    )


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {step: median([run[step] for run in runs]) for step in runs[0]}
