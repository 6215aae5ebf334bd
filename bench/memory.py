"""Peak memory: of the process that runs a task, of all processes of a run with many scattered items, and of the steps
that read tables in batches, for few and for many rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN
from bench.training_scale import make_table, run_command

ROUNDS = 3
MANY, FEW = 5000, 50
LARGE = int(os.environ.get("MLCRAFT_BENCH_ROWS", "1000000"))
TABLES = {"base": LARGE // 500, "small": LARGE // 5, "large": LARGE}
STEPS = {
    "process": ("--data=table.parquet", "--target=churned", "--drop=amount"),
    "split": ("--data=table.parquet",),
    "evaluate": ("--models", "../model", "--test=table.parquet", "--train=train.parquet"),
    "predict": ("--model=../model", "--data=table.parquet"),
}

_PEAK = """
import json, resource, sys
from airflow_mlcraft.runner.home import prepare_embedded_airflow
prepare_embedded_airflow()
side, document = sys.argv[1], sys.argv[2]
from airflow.sdk import DAG
if side == "bash":
    from airflow.providers.standard.operators.bash import BashOperator
    with DAG("bare", schedule=None) as dag:
        BashOperator(task_id="echo", bash_command="echo hello")
else:
    from airflow_mlcraft.dag.cwl_dag import CwlDag
    dag = CwlDag(document)
from airflow_mlcraft.runner.run_dag import run_dag
result = run_dag(dag, parallel=1)
assert result.ok, result
# The tasks run in a child of this process, which holds no more than that child does when it is forked.
print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""

_LARGEST = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
# Of all that were waited for, by us or by those that we waited for: the largest.
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

_TOOL = """\
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [echo, hello]
inputs: []
outputs: {said: stdout}
"""


def figures() -> list[Figure]:
    """A task, a scatter, and the steps that read tables in batches."""
    return [_task(), _scatter(), *_steps()]


def _steps() -> list[Figure]:
    """The memory that a step needs besides Python, its libraries and a small table.

    If it grew with the rows, the ratio would be 5.
    """
    peaks: dict[str, dict[str, float]] = {step: {} for step in STEPS}
    with TemporaryDirectory(prefix="bench-memory-") as name:
        home = Path(name)
        for size, rows in TABLES.items():
            place = home / size
            place.mkdir()
            make_table(rows, place / "table.parquet")
            for step, arguments in STEPS.items():
                peaks[step][size] = run_command([BIN / "mlcraft-step", step, *arguments], place)[1]
                if not (home / "model").exists():
                    train = ["--train=train.parquet", "--recipe=recipe.json", "--model=logistic_regression"]
                    run_command([BIN / "mlcraft-step", "train", *train, "--folds=0"], place)
                    (place / "model").rename(home / "model")
    return [
        Figure(
            f"peak memory of `{step}` on {TABLES['large']:,} rows / on {TABLES['small']:,}, each beyond that on "
            f"{TABLES['base']:,} rows",
            (found["large"] - found["base"]) / (found["small"] - found["base"]),
            "≤ 3",
            f"{found['large']:.0f} MB / {found['small']:.0f} MB, {found['base']:.0f} MB",
        )
        for step, found in peaks.items()
    ]


def _scatter() -> Figure:
    """The memory of the largest process of a run: the one that schedules, or one that runs tasks."""
    with TemporaryDirectory(prefix="bench-memory-") as name:
        home = Path(name)
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
        peaks = {}
        for count in (FEW, MANY):
            (home / "job.json").write_text(json.dumps({"words": [f"word{number}" for number in range(count)]}))
            arguments = [str(BIN / "mlcraft-cwl-runner"), "--quiet", f"--outdir={home / str(count)}"]
            arguments += [str(ROOT / "bench" / "documents" / "echo.cwl"), str(home / "job.json")]
            process = subprocess.run(
                [sys.executable, "-c", _LARGEST, *arguments], env=env, check=True, capture_output=True, text=True
            )
            peaks[count] = json.loads(process.stdout) / 1024
    return Figure(
        f"peak memory of the largest process of a scatter over {MANY} items / over {FEW}",
        peaks[MANY] / peaks[FEW],
        "≤ 1.5",
        f"{peaks[MANY]:.0f} MB / {peaks[FEW]:.0f} MB",
    )


def _task() -> Figure:
    seconds_by_side: dict[str, list[float]] = {"bash": [], "cwl": []}
    with TemporaryDirectory(prefix="bench-memory-") as name:
        home = Path(name)
        (home / "echo.cwl").write_text(_TOOL)
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"), AIRFLOW__MLCRAFT__CACHE=str(home / "cache"))
        for round_ in range(ROUNDS + 1):
            for side, peaks in seconds_by_side.items():
                process = subprocess.run(
                    [sys.executable, "-c", _PEAK, side, str(home / "echo.cwl")],
                    env=env,
                    check=True,
                    capture_output=True,
                    text=True,
                    cwd=ROOT,
                )
                if round_:
                    peaks.append(json.loads(process.stdout.splitlines()[-1]) / 1024)
    ours, bash = seconds_by_side["cwl"], seconds_by_side["bash"]
    return Figure(
        "peak memory of a task that runs a tool / a BashOperator task",
        ratio(ours, bash),
        "≤ 1.5",
        f"{median(ours):.0f} MB / {median(bash):.0f} MB",
    )
