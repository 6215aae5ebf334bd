"""The compared runners, as commands. toil needs an environment of its own: created once, or in BENCH_TOIL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.measure import ROOT

BIN = Path(sys.executable).parent


def timed(command: list[str], env: dict[str, str]) -> tuple[float, Any]:
    """Run a command; returns the seconds, and the output object."""
    path = f"{Path(command[0]).parent}{os.pathsep}{env['PATH']}"
    started = time.perf_counter()
    process = subprocess.run(command, env={**env, "PATH": path}, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{process.stderr[-3000:]}")
    return seconds, json.loads(process.stdout)


def toil() -> str:
    """The runner of toil, in a virtual environment below .mlcraft."""
    if os.environ.get("BENCH_TOIL"):
        return os.environ["BENCH_TOIL"]
    place = ROOT / ".mlcraft" / "bench-toil"
    runner = place / "bin" / "toil-cwl-runner"
    if not runner.exists():
        uv, python = str(BIN / "uv"), str(place / "bin" / "python")
        subprocess.run([uv, "venv", "--quiet", "--clear", str(place)], check=True)
        install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
        subprocess.run([*install, "toil[cwl]>=9", "setuptools<81"], check=True)
    return str(runner)
