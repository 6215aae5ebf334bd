"""Scatters through `mlcraft-cwl-runner`, cold, against `cwltool --parallel` and toil."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN, timed, toil

_DOCUMENTS = ROOT / "bench" / "documents"


def figures() -> list[Figure]:
    """The figures: echoes and sleeps; those in containers only if an engine is available."""
    words = [f"word{number}" for number in range(100)]
    cases = [
        ("a 10-way echo scatter", "echo.cwl", {"words": words[:10]}, "", 3),
        ("a 100-way echo scatter", "echo.cwl", {"words": words}, "", 1),
        ("a 20-way sleep of 1 s", "sleep.cwl", {"names": words[:20]}, "≤ 1.3", 1),
    ]
    if _has_engine():
        cases.append(("the same in containers", "sleep_in_container.cwl", {"names": words[:20]}, "≤ 1.3", 1))
    return [figure for case in cases for figure in _measured(*case)]


def _measured(name: str, document: str, job: dict[str, list[str]], aim: str, rounds: int) -> list[Figure]:
    with TemporaryDirectory(prefix="bench-scatter-") as folder:
        home = Path(folder)
        (home / "job.json").write_text(json.dumps(job))
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
        arguments = ["--quiet", f"--outdir={home / 'out'}", str(_DOCUMENTS / document), str(home / "job.json")]
        sides = {
            "ours": [str(BIN / "mlcraft-cwl-runner"), "--disable-pull", *arguments],
            "cwltool": [str(BIN / "cwltool"), "--parallel", "--disable-pull", *arguments],
            "toil": [toil(), "--no-prepull", *arguments],
        }
        seconds_by_side: dict[str, list[float]] = {side: [] for side in sides}
        timed(sides["ours"], env)  # the embedded Airflow creates its home, once for all runs
        for _ in range(rounds):
            for side, command in sides.items():
                seconds_by_side[side].append(timed(command, env)[0])
    middle = {side: f"{median(times):.1f} s" for side, times in seconds_by_side.items()}
    return [
        Figure(
            f"{name}, cold / {side}",
            ratio(seconds_by_side["ours"], seconds_by_side[side]),
            "< 1" if side == "toil" else aim,
            f"{middle['ours']} / {middle[side]}",
        )
        for side in ("cwltool", "toil")
    ]


def _has_engine() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "version"], capture_output=True, check=False).returncode == 0
