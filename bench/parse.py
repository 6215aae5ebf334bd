"""Seconds that a DAG file takes to build the DAG of a 500-step workflow, against 500 tasks written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import Figure, median, ratio

STEPS = 500
ROUNDS = 7

_TIMED = """
import json, os, sys, time, importlib.util
import airflow.sdk
from airflow.providers.standard.operators.bash import BashOperator
import airflow_mlcraft.dag.loader, airflow_mlcraft.dag.cwl_dag
import glob, shutil
file, rounds, cold = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "cold"
took = []
for number in range(rounds + 1):
    if cold:
        shutil.rmtree(os.path.join(os.environ["AIRFLOW_HOME"], "mlcraft"), ignore_errors=True)
    spec = importlib.util.spec_from_file_location(f"dag_file_{number}", file)
    module = importlib.util.module_from_spec(spec)
    begun = time.perf_counter()
    spec.loader.exec_module(module)
    took.append(time.perf_counter() - begun)
    from airflow_mlcraft.cwl import cache
    from airflow_mlcraft.layout import layout
    for cached in (cache._read_plan, cache._read_tool, layout.build_layout):
        cached.cache_clear()
dags = [value for value in vars(module).values() if isinstance(value, airflow.sdk.DAG)]
json.dump({"took": took[1:], "tasks": len(dags[0].tasks)}, sys.stdout)
"""


def figures() -> list[Figure]:
    """The figures of this benchmark."""
    with TemporaryDirectory(prefix="bench-parse-") as name:
        folder = Path(name)
        (folder / "cwl").mkdir()
        (folder / "cwl" / "long.cwl").write_text(json.dumps(_document()))
        by_hand = _write(folder / "by_hand.py", _write_native_dag())
        ours = _write(folder / "ours.py", _write_loader(folder / "cwl"))
        _time(ours, folder, rounds=1)
        hand, warm, cold = (_time(by_hand, folder), _time(ours, folder), _time(ours, folder, rounds=3, cold=True))
    return [
        Figure(
            "parse a 500-step workflow from the plan cache / by hand",
            ratio(warm, hand),
            "≤ 1.2",
            f"{median(warm):.3f} s / {median(hand):.3f} s",
        ),
        Figure(
            "the same without the cache / by hand",
            ratio(cold, hand),
            "",
            f"{median(cold):.3f} s / {median(hand):.3f} s",
        ),
    ]


def _document() -> dict[str, object]:
    tool = {
        "class": "CommandLineTool",
        "baseCommand": ["echo"],
        "inputs": [{"id": "text", "type": "string", "inputBinding": {"position": 1}}],
        "outputs": [{"id": "said", "type": "string", "outputBinding": {"outputEval": "$(inputs.text)"}}],
    }
    steps = [
        {
            "id": f"step{number}",
            "run": tool,
            "in": [{"id": "text", "source": "text" if number == 0 else f"step{number - 1}/said"}],
            "out": ["said"],
        }
        for number in range(STEPS)
    ]
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "id": "long",
        "inputs": [{"id": "text", "type": "string", "default": "hello"}],
        "outputs": [{"id": "said", "type": "string", "outputSource": f"step{STEPS - 1}/said"}],
        "steps": steps,
    }


def _write_native_dag() -> str:
    tasks = "\n".join(
        f'    step{number} = BashOperator(task_id="step{number}", bash_command="echo {{{{ params.text }}}}")'
        for number in range(STEPS)
    )
    links = "\n".join(f"    step{number - 1} >> step{number}" for number in range(1, STEPS))
    return (
        "from airflow.sdk import DAG, Param\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        'with DAG("long", schedule=None, params={"text": Param("hello", type="string")}) as dag:\n'
        f"{tasks}\n{links}\n"
    )


def _write_loader(folder: Path) -> str:
    return f"from airflow_mlcraft import load_cwl_dags\nload_cwl_dags(globals(), {str(folder)!r})\n"


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _time(file: Path, home: Path, *, rounds: int = ROUNDS, cold: bool = False) -> list[float]:
    from bench.measure import environment

    process = subprocess.run(
        [sys.executable, "-c", _TIMED, str(file), str(rounds), "cold" if cold else "warm"],
        env=environment(home),
        check=True,
        capture_output=True,
        text=True,
    )
    seconds: list[float] = json.loads(process.stdout.splitlines()[-1])["took"]
    return seconds
