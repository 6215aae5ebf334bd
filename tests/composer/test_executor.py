"""The executor as Rabix Composer starts it: its exact command lines, with a real Java."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from airflow_mlcraft import __version__
from tests.composer.composer import HERE, VERSIONS, open_and_save

PROJECT = HERE.parents[1]
TEXTS = [PROJECT / "cwl" / "data" / name for name in ("alice_in_wonderland.txt", "moby_dick.txt")]
CANCELLED = 143

pytestmark = [pytest.mark.java, pytest.mark.composer]


@dataclass
class Run:
    """A run as Composer sets it up: a folder with the document, all in one, and the job."""

    jar: Path
    folder: Path

    @property
    def command(self) -> list[str]:
        out = str(self.folder)
        return [
            *("java", "-jar", str(self.jar), "--enable-composer-logs", f"{out}/app.cwl", f"{out}/job.json"),
            *("--outdir", out),
        ]

    def run(self, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **(env or {})}
        return subprocess.run(self.command, capture_output=True, text=True, check=False, env=environment)

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jar") / "executor.jar"
    install(path)
    return path


def install(path: Path, *options: str) -> None:
    command = [sys.executable, "-m", "airflow_mlcraft.cli.main", "composer-executor", "install", str(path), *options]
    subprocess.run(command, capture_output=True, check=True)


def prepare_run(jar: Path, folder: Path, document: Path, job: Any, version: str = VERSIONS[0]) -> Run:
    """What Composer writes before it starts the executor."""
    (opened,) = open_and_save(version, [document])
    folder.mkdir()
    (folder / "app.cwl").write_text(json.dumps(opened.handed))
    (folder / "job.json").write_text(json.dumps(job))
    return Run(jar, folder)


def progress(stderr: str) -> list[tuple[str, str]]:
    """What Composer reads out of standard error."""
    lines = [
        json.loads(line.removeprefix("Composer: ")) for line in stderr.splitlines() if line.startswith("Composer:")
    ]
    assert all(set(line) == {"status", "stepId", "message"} and line["message"] for line in lines)
    return [(line["stepId"], line["status"]) for line in lines]


def test_the_version(jar: Path) -> None:
    output = subprocess.run(["java", "-jar", str(jar), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+\.\d+", output.stdout)
    assert found is not None and found.group() == __version__


@pytest.mark.parametrize("version", VERSIONS)
def test_a_shipped_workflow(version: str, jar: Path, tmp_path: Path) -> None:
    texts = [{"class": "File", "path": str(path)} for path in TEXTS]
    document = PROJECT / "cwl" / "workflows" / "text_statistics.cwl"
    done = prepare_run(jar, tmp_path / "out", document, {"texts": texts, "top": 3, "shortest": None}, version).run()
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    assert outputs["longest"] == "alice in wonderland"
    assert (tmp_path / "out" / "report.txt").read_text().count("\n") == 3
    steps = ("count_words", "measure_text", "merge_counts", "compare_texts")
    output = progress(done.stderr)
    for step in steps:
        assert [status for root, status in output if root == f"root.{step}"] == ["READY", "COMPLETED"]
    assert len(output) == 2 * len(steps)


def test_a_tool_alone(jar: Path, tmp_path: Path) -> None:
    job = {"text": {"class": "File", "path": str(TEXTS[0])}}
    done = prepare_run(jar, tmp_path / "out", PROJECT / "cwl" / "tools" / "measure_text.cwl", job).run()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lines"] > 0
    assert progress(done.stderr) == [("root.measure_text", "READY"), ("root.measure_text", "COMPLETED")]


def test_a_step_that_fails(jar: Path, tmp_path: Path) -> None:
    done = prepare_run(jar, tmp_path / "out", HERE / "slow.cwl", {"seconds": [0, 3], "mark": "x"}).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert progress(done.stderr) == [("root.sleep", "READY"), ("root.sleep", "FAILED")]
    assert "failed with exit code 1" in done.stderr


def test_a_wrong_job(jar: Path, tmp_path: Path) -> None:
    done = prepare_run(jar, tmp_path / "out", HERE / "slow.cwl", {"mark": "x"}).run()
    assert (done.returncode, done.stdout) == (1, "")
    assert "input 'seconds'" in done.stderr and "Traceback" not in done.stderr


def test_cancel(jar: Path, tmp_path: Path) -> None:
    mark = f"sleeper-{os.getpid()}-{tmp_path.name}"
    running = prepare_run(jar, tmp_path / "out", HERE / "slow.cwl", {"seconds": [600, 601], "mark": mark}).start()
    try:
        _wait_until(lambda: len(_marked(mark)) == 2)
        running.send_signal(signal.SIGTERM)
        _, output = running.communicate(timeout=300)
    finally:
        running.kill()
    assert running.returncode == CANCELLED
    assert progress(output)[0] == ("root.sleep", "READY")
    assert ("root.sleep", "COMPLETED") not in progress(output)
    assert _marked(mark) == []


def test_another_runner(jar: Path, tmp_path: Path) -> None:
    """The variable wins over the place that was installed, and hears the very words of Composer."""
    other = tmp_path / "runner"
    other.write_text('#!/bin/sh\necho "$@"; echo low >&2; exit 42\n')
    other.chmod(0o755)
    run = Run(jar, tmp_path)
    done = run.run({"MLCRAFT_CWL_RUNNER": str(other)})
    assert (done.returncode, done.stderr) == (42, "low\n")
    assert done.stdout.split() == run.command[3:]


def test_a_runner_that_is_gone(jar: Path, tmp_path: Path) -> None:
    done = Run(jar, tmp_path).run({"MLCRAFT_CWL_RUNNER": str(tmp_path / "gone")})
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be started" in done.stderr and "composer-executor install" in done.stderr
    assert "\tat " not in done.stderr


def _marked(mark: str) -> list[int]:
    """The processes of tools that have this word on their command line."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[-1] == mark:
            found.append(process.pid)
    return found


def _wait_until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
