"""Eight models trained side by side by two workers, against the same eight one after the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, isolated_environment, median, ratio

ROUNDS = 3
MODELS = 8
ROWS, COLUMNS = 6000, 20

# All models take the same time, so that the figure does not depend on which of them is last.
_CODE = f"""
from sklearn.ensemble import GradientBoostingClassifier

def estimators():
    return {{f"boosting_{{n}}": GradientBoostingClassifier(learning_rate=0.02 * (n + 1)) for n in range({MODELS})}}
"""
# One warm process runs all, so that the start of Python is not compared.
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
from sklearn.datasets import make_classification
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.runner.run_dag import run_dag
from airflow_mlcraft.runner.events import task_label

document, folder = sys.argv[1], Path(sys.argv[2])
rounds, models, rows, columns = map(int, sys.argv[3:])
features, target = make_classification(rows, columns, n_informative=columns // 2, random_state=0)
import pandas
frame = pandas.DataFrame(features, columns=[f"x{number}" for number in range(columns)])
frame.assign(target=target).to_csv(folder / "data.csv", index=False)

def run(parallel):
    steps = {}
    def note(event):
        if event.ended and event.state == "success":
            steps[task_label(event.task_id, event.map_index)] = (event.ended - event.started).total_seconds()
    code = {"class": "File", "location": str(folder / "model.py")}
    names = [f"boosting_{number}" for number in range(models)]
    conf = {"models": names, "source": str(folder / "data.csv"), "code": code}
    begun = time.perf_counter()
    result = run_dag(CwlDag(document), conf=conf, parallel=parallel, on_event=note)
    took = time.perf_counter() - begun
    assert result.ok, result
    return {"run": took, **steps}

took = {"1": [], "2": []}
for _ in range(rounds):
    for parallel in took:
        took[parallel].append(run(int(parallel)))
print(json.dumps(took))
"""


def figures() -> list[Figure]:
    """The figures of the whole run, from the data to the champion."""
    with TemporaryDirectory(prefix="bench-training-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        env = isolated_environment(folder, AIRFLOW__MLCRAFT__REUSE="False")
        (folder / "model.py").write_text(_CODE)
        document = ROOT / "tests" / "documents" / "learning.cwl"
        numbers = [str(number) for number in (ROUNDS, MODELS, ROWS, COLUMNS)]
        process = subprocess.run(
            [sys.executable, "-c", _RUNS, str(document), name, *numbers],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    if process.returncode:
        raise SystemExit(f"The runs failed:\n{process.stderr[-3000:]}")
    seconds_by_side: dict[str, list[dict[str, float]]] = json.loads(process.stdout.splitlines()[-1])
    alone, together = ([run["run"] for run in seconds_by_side[parallel]] for parallel in ("1", "2"))
    return [
        Figure(
            f"a training of {MODELS} models by 2 workers / by 1",
            ratio(together, alone),
            "≤ 0.65",
            f"{median(together):.1f} s / {median(alone):.1f} s",
        )
    ]
