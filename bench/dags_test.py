"""`airflow dags test` of a 12-task CWL workflow (10 of them scattered), against the same DAG written by hand."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Figure, environment, median, ratio

ROUNDS = 5

_BY_HAND = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
with DAG("by_hand", schedule=None) as dag:
    first = BashOperator(task_id="first", bash_command="echo start")
    each = BashOperator.partial(task_id="each").expand(bash_command=[f"echo item {number}" for number in range(10)])
    last = BashOperator(task_id="last", bash_command="echo end")
    first >> each >> last
"""

_CWL = """\
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}}
inputs:
  texts: {type: "string[]", default: [a, b, c, d, e, f, g, h, i, j]}
outputs:
  all: {type: File, outputSource: last/out}
steps:
  first:
    run: &echo
      class: CommandLineTool
      baseCommand: echo
      inputs: {text: {type: "string?", inputBinding: {}}, after: "File[]?"}
      outputs: {out: stdout}
    in: {text: {default: start}}
    out: [out]
  each:
    run: *echo
    scatter: text
    in: {text: texts, after: {source: [first/out], linkMerge: merge_nested}}
    out: [out]
  last:
    run: *echo
    in: {text: {default: end}, after: each/out}
    out: [out]
"""


def figures() -> list[Figure]:
    """The figures of this benchmark."""
    with TemporaryDirectory(prefix="bench-dags-") as name:
        home = Path(name)
        (home / "dags").mkdir()
        (home / "cwl").mkdir()
        (home / "dags" / "by_hand.py").write_text(_BY_HAND)
        (home / "cwl" / "scattered.cwl").write_text(_CWL)
        (home / "dags" / "ours.py").write_text(
            f"from airflow_mlcraft import load_cwl_dags\nload_cwl_dags(globals(), {str(home / 'cwl')!r})\n"
        )
        _airflow(home, "db", "migrate")
        seconds_by_side: dict[str, list[float]] = {"by_hand": [], "scattered": []}
        for round_ in range(ROUNDS + 1):
            for dag_id, times in seconds_by_side.items():
                started = time.perf_counter()
                _airflow(home, "dags", "test", dag_id)
                if round_:
                    times.append(time.perf_counter() - started)
    ours, hand = seconds_by_side["scattered"], seconds_by_side["by_hand"]
    return [
        Figure(
            "`airflow dags test`, 12 tasks of which 10 scattered / the same by hand with BashOperator",
            ratio(ours, hand),
            "≤ 1.3",
            f"{median(ours):.1f} s / {median(hand):.1f} s",
        )
    ]


def _airflow(home: Path, *words: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "airflow", *words], env=environment(home), capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise SystemExit(f"airflow {' '.join(words)} failed:\n{process.stdout[-3000:]}\n{process.stderr[-3000:]}")
