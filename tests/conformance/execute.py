"""Run one conformance test in a child of the warm process, through the command's own entry point."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.suite import ConformanceTest

UNSUPPORTED = 33


@dataclass(frozen=True)
class Outcome:
    """How a test ended."""

    test: ConformanceTest
    status: str
    """passed, failed or unsupported"""
    seconds: float
    detail: str = ""


def start(test: ConformanceTest, options: list[str], folder: Path) -> int:
    """Fork a child that runs the test and writes its outcome into `folder`; gives the child's id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        code = _child(test, options, folder)
    except BaseException:
        (folder / "stderr").open("a").write(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(code)


def outcome(test: ConformanceTest, folder: Path, code: int, seconds: float) -> Outcome:
    """Judge what a child left behind."""
    output = (folder / "stderr").read_text(errors="replace")[-6000:] if (folder / "stderr").exists() else ""
    try:
        if code == UNSUPPORTED and not test.required and not test.should_fail:
            return Outcome(test, "unsupported", seconds, output)
        if test.should_fail:
            ok = code != 0
            return Outcome(test, "passed" if ok else "failed", seconds, "" if ok else "it should have failed")
        if code != 0:
            return Outcome(test, "failed", seconds, f"exit code {code}\n{output}")
        difference = _difference(test.expected, (folder / "stdout").read_text())
        return Outcome(
            test, "failed" if difference else "passed", seconds, f"{difference}\n{output}" if difference else ""
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_folder() -> Path:
    """A folder for one test."""
    return Path(tempfile.mkdtemp(prefix="conformance-"))


def kill(child: int) -> None:
    """End a child with everything that it started."""
    os.killpg(child, signal.SIGKILL)


def _child(test: ConformanceTest, options: list[str], folder: Path) -> int:
    from airflow_mlcraft.cli.cwl_runner import main

    errors = os.open(folder / "stderr", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 2)
    os.dup2(errors, 1)
    out = io.StringIO()
    arguments = [*options, f"--outdir={folder / 'out'}", test.tool, *([test.job] if test.job else [])]
    with redirect_stdout(out):
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
    (folder / "stdout").write_text(out.getvalue())
    return code


def _difference(expected: Any, stdout: str) -> str:
    from cwltest.compare import CompareFail, compare

    try:
        actual = json.loads(stdout)
    except ValueError:
        return f"stdout is not the output object alone: {stdout[:500]!r}"
    try:
        compare(expected, actual)
    except CompareFail as difference:
        return str(difference)
    return ""


now = time.monotonic
