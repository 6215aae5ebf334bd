"""`mlcraft-cwl-runner` on a two-step workflow: against toil from a cold start, against cwltool from a warm process.

toil is measured in an environment of its own: its `toil-cwl-runner` is named by BENCH_TOIL, or made with uv.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment, median, ratio

ROUNDS = 5
_BIN = Path(sys.executable).parent

_DOCUMENT = ROOT / "bench" / "documents" / "count_lines.cwl"
_TEXT = ROOT / "bench" / "documents" / "text.txt"

_WARM = """
import io, json, os, sys, time
from contextlib import redirect_stdout
from airflow_mlcraft.runner.home import prepare
prepare()
from airflow_mlcraft.runner.warm import warm_up
warm_up()
import airflow_mlcraft.cwl.compile, airflow_mlcraft.cwl.tool, airflow_mlcraft.dag.cwl_dag, airflow_mlcraft.store.values
from airflow_mlcraft.cli.cwl_runner import main
took = []
for number in range(int(sys.argv[1]) + 1):
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        with redirect_stdout(io.StringIO()):
            code = main(sys.argv[2:])
        os._exit(code)
    _, status = os.wait()
    assert status == 0, status
    took.append(time.perf_counter() - begun)
json.dump(took[1:], sys.stdout)
"""


def figures() -> list[Figure]:
    """(c) of the results."""
    with TemporaryDirectory(prefix="bench-command-") as name:
        home = Path(name)
        job = home / "job.json"
        job.write_text(json.dumps({"text": {"class": "File", "location": _TEXT.as_uri()}}))
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
        words = ["--quiet", f"--outdir={home / 'out'}", str(_DOCUMENT), str(job)]
        sides = {
            "ours": [str(_BIN / "mlcraft-cwl-runner"), *words],
            "toil": [_toil(), *words],
            "cwltool": [str(_BIN / "cwltool"), *words],
        }
        took: dict[str, list[float]] = {side: [] for side in sides}
        for round_ in range(ROUNDS + 1):
            for side, command in sides.items():
                seconds = _timed(command, env)
                if round_:
                    took[side].append(seconds)
        warm = json.loads(
            subprocess.run(
                [sys.executable, "-c", _WARM, str(ROUNDS), *words], env=env, check=True, capture_output=True, text=True
            ).stdout.splitlines()[-1]
        )
    ours, toil, cwltool = took["ours"], took["toil"], took["cwltool"]
    return [
        Figure(
            "`mlcraft-cwl-runner` on two steps, cold / toil-cwl-runner",
            ratio(ours, toil),
            "≤ 0.8",
            f"{median(ours):.1f} s / {median(toil):.1f} s",
        ),
        Figure(
            "the same from a warm process / cwltool",
            ratio(warm, cwltool),
            "≤ 2",
            f"{median(warm):.2f} s / {median(cwltool):.2f} s",
        ),
        Figure("the same cold / cwltool", ratio(ours, cwltool), "", f"{median(ours):.1f} s / {median(cwltool):.1f} s"),
    ]


def _timed(command: list[str], env: dict[str, str]) -> float:
    path = f"{Path(command[0]).parent}{os.pathsep}{env['PATH']}"
    begun = time.perf_counter()
    done = subprocess.run(command, env={**env, "PATH": path}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    if json.loads(done.stdout)["lines"] != len(_TEXT.read_text().splitlines()):
        raise SystemExit(f"{command[0]} gave {done.stdout}")
    return seconds


def _toil() -> str:
    """toil in a virtual environment below .mlcraft, made once."""
    if os.environ.get("BENCH_TOIL"):
        return os.environ["BENCH_TOIL"]
    place = ROOT / ".mlcraft" / "bench-toil"
    runner = place / "bin" / "toil-cwl-runner"
    if not runner.exists():
        uv = str(_BIN / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", str(place)], check=True)
        subprocess.run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                str(place / "bin" / "python"),
                "toil[cwl]>=9",
                "setuptools<81",
            ],
            check=True,
        )
    return str(runner)
