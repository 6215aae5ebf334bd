"""The CWL conformance suite in MLCRAFT_CWL_SUITE, two tests at once: our harness, cwltool, and toil on a sample."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measure import ROOT, Figure, environment
from bench.runners import BIN, toil
from tests.conformance.suite import load_suite

_ONE_IN = 10
"""toil takes ten seconds a test: it runs the first test and every tenth after it."""


def figures() -> list[Figure]:
    """The figures: the whole suite against cwltool, and a sample against toil. Empty without the suite."""
    suite = Path(os.environ.get("MLCRAFT_CWL_SUITE", ""))
    if not (suite / "conformance_tests.yaml").is_file():
        print("The suite is not measured: MLCRAFT_CWL_SUITE does not name its folder.", file=sys.stderr)
        return []
    tests = load_suite(suite)
    sample = range(0, len(tests), _ONE_IN)
    network = ["--custom-net", os.environ["BENCH_NETWORK"]] if os.environ.get("BENCH_NETWORK") else []
    ours = _ours(suite, network, [])
    cwltool = _cwltest(suite, str(BIN / "cwltool"), ["--relax-path-checks", "--disable-pull", *network], "")
    ours_of_sample = _ours(suite, network, [tests[number].id for number in sample])
    toils = _cwltest(
        suite, toil(), ["--relax-path-checks", "--no-prepull", *network], ",".join(str(number + 1) for number in sample)
    )
    return [
        _figure(f"all {len(tests)} tests of the suite / cwltool", ours, cwltool, len(tests), ""),
        _figure(f"{len(sample)} of its tests / toil", ours_of_sample, toils, len(sample), "< 1"),
    ]


def _figure(name: str, ours: float, theirs: float, tests: int, aim: str) -> Figure:
    each = f"{ours / tests:.2f} s / {theirs / tests:.2f} s a test"
    return Figure(name, ours / theirs, aim, f"{ours:.0f} s / {theirs:.0f} s, {each}")


def _ours(suite: Path, network: Sequence[str], ids: Sequence[str]) -> float:
    command = [sys.executable, "-m", "tests.conformance", "--suite", str(suite), "--parallel", "2", *network]
    return _seconds([*command, *(["--ids", ",".join(ids)] if ids else [])])


def _cwltest(suite: Path, runner: str, options: Sequence[str], numbers: str) -> float:
    command = [str(BIN / "cwltest"), "--test", str(suite / "conformance_tests.yaml"), "--tool", runner, "-j", "2"]
    return _seconds([*command, *(["-n", numbers] if numbers else []), "--timeout", "300", "--", *options])


def _seconds(command: list[str]) -> float:
    """The seconds of the whole command; its failures are in its own report, and are the same for every side."""
    with TemporaryDirectory(prefix="bench-suite-") as folder:
        # toil's leader looks for its worker beside itself.
        path = os.pathsep.join([str(Path(runner).parent) for runner in (sys.executable, toil())] + [os.environ["PATH"]])
        env = environment(Path(folder), TMPDIR=folder, PATH=path)
        started = time.perf_counter()
        process = subprocess.run(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        seconds = time.perf_counter() - started
    print("\n".join(process.stdout.splitlines()[-2:]), file=sys.stderr, flush=True)
    return seconds
