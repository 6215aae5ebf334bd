"""An unchanged workflow of 20 steps, run again: the time beyond Airflow's own scheduling."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, isolated_environment, median

STEPS = 20
ROUNDS = 3

# One warm process runs all, so that the start of Python is not compared.
_RUNS = """
import json, os, sys, time
from pathlib import Path
from airflow_mlcraft.runner.home import prepare_embedded_airflow
prepare_embedded_airflow()
from airflow_mlcraft.runner.preload import warm_up
warm_up()
from airflow.sdk import DAG
from airflow_mlcraft.dag.cwl_dag import CwlDag
from airflow_mlcraft.runner.run_dag import run_dag
from airflow.sdk.bases.operator import BaseOperator

class Nothing(BaseOperator):
    def execute(self, context):
        return "a value"

document, rounds, tools_run = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
with DAG("scheduling", schedule=None) as empty:
    tasks = [Nothing(task_id=f"t{number}") for number in range(len(CwlDag(document).tasks))]
    for before, after in zip(tasks, tasks[1:]):
        before >> after

def seconds(dag, conf=None):
    tools_run.write_text("")
    begun = time.perf_counter()
    result = run_dag(dag, conf=conf, parallel=1)
    took = time.perf_counter() - begun
    assert result.ok, result
    return took, len(tools_run.read_text())

dag = CwlDag(document)
took = {"scheduling": [], "first": [], "again": []}
for number in range(rounds + 1):
    inputs = {"word": f"w{number}"}
    for side, (spent, tools), expected in (
        ("scheduling", seconds(empty), 0),
        ("first", seconds(dag, inputs), int(sys.argv[4])),
        ("again", seconds(dag, inputs), 0),
    ):
        assert tools == expected, f"{side}: {tools} tools ran"
        if number:
            took[side].append(spent)
print(json.dumps(took))
"""


def figures() -> list[Figure]:
    """The figures; each step is a tool that works for a second."""
    with TemporaryDirectory(prefix="bench-reuse-") as name:
        home = Path(name)
        (home / "steps.cwl").write_text(json.dumps(_workflow(home / "tools_run")))
        env = isolated_environment(home)
        process = subprocess.run(
            [sys.executable, "-c", _RUNS, str(home / "steps.cwl"), str(ROUNDS), str(home / "tools_run"), str(STEPS)],
            env=env,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
    if process.returncode:
        raise SystemExit(f"The runs failed:\n{process.stderr[-3000:]}")
    seconds_by_side = json.loads(process.stdout.splitlines()[-1])
    scheduling, first, again = (median(seconds_by_side[side]) for side in ("scheduling", "first", "again"))
    return [
        Figure(
            f"a rerun of {STEPS} steps with reuse / their first run, both less the same tasks doing nothing",
            (again - scheduling) / (first - scheduling),
            "≤ 0.3",
            f"{again:.1f} s / {first:.1f} s, less {scheduling:.1f} s",
        )
    ]


def _workflow(tools_run: Path) -> dict[str, object]:
    tool = {
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", f'sleep 1; printf x >> "{tools_run}"; echo "$@"', "sh"],
        "inputs": {
            "before": {"type": "File?", "inputBinding": {"position": 1}},
            "word": {"type": "string", "inputBinding": {"position": 2}},
        },
        "outputs": {"said": {"type": "stdout"}},
    }
    steps = {
        f"s{number:02}": {
            "run": tool,
            "in": {"word": "word", **({"before": f"s{number - 1:02}/said"} if number else {})},
            "out": ["said"],
        }
        for number in range(STEPS)
    }
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "inputs": {"word": "string"},
        "outputs": {"said": {"type": "File", "outputSource": f"s{STEPS - 1:02}/said"}},
        "steps": steps,
    }
