"""`mlcraft-cwl-runner` on a two-step workflow: against toil from a cold start, against cwltool from a warm process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN, timed, toil

ROUNDS = 5
_OURS = ROOT / "bench" / "documents"
_SUITE = Path(os.environ.get("MLCRAFT_CWL_SUITE", "")) / "tests"

_WARM = """
import io, json, os, sys, time
from contextlib import redirect_stdout
from airflow_mlcraft.runner.home import prepare_embedded_airflow
prepare_embedded_airflow()
from airflow_mlcraft.runner.preload import warm_up
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
    """The figures of this benchmark."""
    with TemporaryDirectory(prefix="bench-command-") as name:
        home = Path(name)
        label, document, job, expected = _case(home)
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
        arguments = ["--quiet", f"--outdir={home / 'out'}", str(document), str(job)]
        sides = {
            "ours": [str(BIN / "mlcraft-cwl-runner"), *arguments],
            "toil": [toil(), *arguments],
            "cwltool": [str(BIN / "cwltool"), *arguments],
        }
        seconds_by_side: dict[str, list[float]] = {side: [] for side in sides}
        for round_ in range(ROUNDS + 1):
            for side, command in sides.items():
                seconds, output = timed(command, env)
                if output != expected:
                    raise SystemExit(f"{side} gave {output}")
                if round_:
                    seconds_by_side[side].append(seconds)
        warm = json.loads(
            subprocess.run(
                [sys.executable, "-c", _WARM, str(ROUNDS), *arguments],
                env=env,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.splitlines()[-1]
        )
    ours, theirs, cwltool = seconds_by_side["ours"], seconds_by_side["toil"], seconds_by_side["cwltool"]
    return [
        Figure(
            f"`mlcraft-cwl-runner` on {label}, cold / toil-cwl-runner",
            ratio(ours, theirs),
            "≤ 0.8",
            f"{median(ours):.1f} s / {median(theirs):.1f} s",
        ),
        Figure(
            "the same from a warm process / cwltool",
            ratio(warm, cwltool),
            "≤ 2",
            f"{median(warm):.2f} s / {median(cwltool):.2f} s",
        ),
        Figure("the same cold / cwltool", ratio(ours, cwltool), "", f"{median(ours):.1f} s / {median(cwltool):.1f} s"),
    ]


def _case(home: Path) -> tuple[str, Path, Path, dict[str, int]]:
    """A workflow of two steps: the one of the conformance suite if it is available, or else a similar one."""
    document = _SUITE / "count-lines1-wf.cwl"
    if document.is_file():
        return document.name, document, _SUITE / "wc-job.json", {"count_output": 16}
    text, job = _OURS / "text.txt", home / "job.json"
    job.write_text(json.dumps({"text": {"class": "File", "location": text.as_uri()}}))
    return "two steps", _OURS / "count_lines.cwl", job, {"lines": len(text.read_text().splitlines())}
