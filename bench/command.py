"""`mlcraft-cwl-runner` on a two-step workflow, cold and through its warm parent: against toil and cwltool."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.measure import ROOT, Figure, environment, median, ratio
from bench.runners import BIN, timed, toil

ROUNDS = 5
_OURS = ROOT / "bench" / "documents"
_SUITE = Path(os.environ.get("MLCRAFT_CWL_SUITE", "")) / "tests"


def figures() -> list[Figure]:
    """The figures of this benchmark."""
    with TemporaryDirectory(prefix="bench-command-") as name:
        home = Path(name)
        label, document, job, expected = _case(home)
        env = environment(home, MLCRAFT_HOME=str(home / "embedded"))
        arguments = ["--quiet", f"--outdir={home / 'out'}", str(document), str(job)]
        sides = {
            "ours": [str(BIN / "mlcraft-cwl-runner"), *arguments],
            "warm": [str(BIN / "mlcraft-cwl-runner"), *arguments],
            "toil": [toil(), *arguments],
            "cwltool": [str(BIN / "cwltool"), *arguments],
        }
        seconds_by_side: dict[str, list[float]] = {side: [] for side in sides}
        with warm_parent(env, sides["ours"]) as warm_env:
            for round_ in range(ROUNDS + 1):
                for side, command in sides.items():
                    seconds, output = timed(command, warm_env if side == "warm" else env)
                    if output != expected:
                        raise SystemExit(f"{side} gave {output}")
                    if round_:
                        seconds_by_side[side].append(seconds)
            runs = _ask(warm_env, "status")["runs"]
            if runs != ROUNDS + 1:
                raise SystemExit(f"the warm parent ran {runs} of {ROUNDS + 1} commands")
    ours, theirs, cwltool, warm = (seconds_by_side[side] for side in ("ours", "toil", "cwltool", "warm"))
    return [
        Figure(
            f"`mlcraft-cwl-runner` on {label}, cold / toil-cwl-runner",
            ratio(ours, theirs),
            "≤ 0.8",
            f"{median(ours):.1f} s / {median(theirs):.1f} s",
        ),
        Figure(
            "the same through a warm parent, as each command but the first / cwltool",
            ratio(warm, cwltool),
            "≤ 0.5",
            f"{median(warm):.2f} s / {median(cwltool):.2f} s",
        ),
        Figure(
            "the same cold / cwltool", ratio(ours, cwltool), "≤ 2", f"{median(ours):.1f} s / {median(cwltool):.1f} s"
        ),
    ]


@contextmanager
def warm_parent(env: dict[str, str], command: list[str]) -> Iterator[dict[str, str]]:
    """The environment of commands with a warm parent, which a first command has started."""
    with TemporaryDirectory(prefix="warm-") as runtime:
        warm_env = {**env, "MLCRAFT_WARM": "1", "XDG_RUNTIME_DIR": runtime}
        timed(command, warm_env)
        while not _ask(warm_env, "status").get("running"):
            time.sleep(0.2)
        try:
            yield warm_env
        finally:
            _ask(warm_env, "stop")


def _ask(env: dict[str, str], verb: str) -> dict[str, Any]:
    done = subprocess.run([str(BIN / "mlcraft"), "warm", verb, "--json"], env=env, capture_output=True, check=False)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _case(home: Path) -> tuple[str, Path, Path, dict[str, int]]:
    """A workflow of two steps: the one of the conformance suite if it is available, or else a similar one."""
    document = _SUITE / "count-lines1-wf.cwl"
    if document.is_file():
        return document.name, document, _SUITE / "wc-job.json", {"count_output": 16}
    text, job = _OURS / "text.txt", home / "job.json"
    job.write_text(json.dumps({"text": {"class": "File", "location": text.as_uri()}}))
    return "two steps", _OURS / "count_lines.cwl", job, {"lines": len(text.read_text().splitlines())}
