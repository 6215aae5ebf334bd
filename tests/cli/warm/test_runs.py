"""The commands through a real parent: the first one starts it, and the others are as without it, and faster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlcraft.cli.warm.snapshot import matters
from tests.cli.warm.places import HERE, Place, is_alive, new_place, open_terminal, read_terminal, wait_until

DOCUMENTS = HERE.parents[1] / "documents"
COUNT = [str(DOCUMENTS / "count_lines" / "count_lines.cwl"), str(DOCUMENTS / "count_lines" / "job.yml")]
TIME_LIMIT = 120.0


class RealPlace:
    """A place whose commands are those of the package."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.cold_environment = {**place.environment, "MLCRAFT_WARM": "0"}

    def command(self, name: str, *words: str) -> list[str]:
        return [sys.executable, str(HERE / "warm_entry.py"), name, *words]

    def run(self, folder: Path, name: str, *words: str, cold: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name, *words),
            cwd=folder,
            env=self.cold_environment if cold else self.place.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT,
        )

    def begin(self, folder: Path, name: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(name, *words),
            cwd=folder,
            env=self.place.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def count_runs(self) -> int:
        return int((self.place.ask("status") or {"runs": -1})["runs"])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPlace]:
    """A place in which a first command has run, and started a parent."""
    made = RealPlace(new_place())
    made.place.environment["MLCRAFT_HOME"] = os.environ["MLCRAFT_HOME"]
    made.cold_environment["MLCRAFT_HOME"] = os.environ["MLCRAFT_HOME"]
    done = made.run(tmp_path_factory.mktemp("first"), "cwl_runner", "--quiet", *COUNT)
    assert json.loads(done.stdout)["count"] == 3, done.stderr
    ending = time.monotonic() + TIME_LIMIT
    while (found := made.place.ask("status")) is None:
        assert time.monotonic() < ending, made.place.socket.with_suffix(".log").read_text()
        time.sleep(0.1)
    assert found["runs"] == 0
    yield made
    if (stopped := made.place.ask("stop")) is not None:
        wait_until(lambda: not is_alive(stopped["pid"]))
    made.place.close()


def test_a_warm_run_is_the_same_as_a_cold_one(real: RealPlace, tmp_path: Path) -> None:
    before = real.count_runs()
    results = []
    for kind in ("cold", "warm"):
        folder = tmp_path / kind
        folder.mkdir()
        done = real.run(folder, "cwl_runner", "--enable-composer-logs", *COUNT, cold=kind == "cold")
        results.append((done.returncode, done.stdout.replace(str(folder), ""), done.stderr))
        assert (folder / "count.txt").read_text() == "3\n"
    assert results[0] == results[1]
    assert results[0][0] == 0
    wait_until(lambda: real.count_runs() == before + 1)


def test_the_other_command(real: RealPlace, tmp_path: Path) -> None:
    before = real.count_runs()
    done = real.run(tmp_path, "mlcraft", "cwl", "run", "--outdir", "out", *COUNT)
    assert (done.returncode, json.loads(done.stdout)["count"], done.stderr) == (0, 3, "")
    assert (tmp_path / "out" / "count.txt").is_file()
    wait_until(lambda: real.count_runs() == before + 1)


@pytest.mark.parametrize(
    "words",
    [
        ["cwl_runner", "--quiet", "none.cwl"],
        ["cwl_runner", "--nonsense"],
        ["cwl_runner", "--quiet", "fails.cwl"],
        ["mlcraft", "cwl", "run"],
        ["mlcraft", "train", "nothing"],
    ],
)
def test_failures_are_the_same(real: RealPlace, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "fails.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [sh, -c, 'echo why >&2; exit 7']\n"
        "inputs: []\noutputs: []\n"
    )
    before = real.count_runs()
    cold, warm = (real.run(tmp_path, *words, cold=cold) for cold in (True, False))
    assert cold.returncode not in (0, None)
    assert (warm.returncode, warm.stdout, warm.stderr) == (cold.returncode, cold.stdout, cold.stderr)
    wait_until(lambda: real.count_runs() == before + 1)


def test_progress_on_a_terminal(real: RealPlace, tmp_path: Path) -> None:
    command = real.command("mlcraft", "cwl", "run", "--outdir", str(tmp_path), *COUNT)
    process, terminal = open_terminal({**real.place.environment, "TERM": "xterm"}, command)
    text = read_terminal(terminal)
    assert process.wait(TIME_LIMIT) == 0
    assert "\x1b[" in text and '"count": 3' in text


def sleeping(folder: Path) -> Path:
    """A document whose tool writes its process id and sleeps."""
    document = folder / "sleeps.cwl"
    document.write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\n"
        f"baseCommand: [sh, -c, 'echo $$ > {folder}/pid.part; mv {folder}/pid.part {folder}/pid; exec sleep 600']\n"
        "inputs: []\noutputs: []\n"
    )
    return document


@pytest.mark.parametrize("how", ["ctrl-c", "sigterm", "kill"])
def test_a_run_that_is_ended_ends_its_tools(real: RealPlace, tmp_path: Path, how: str) -> None:
    process = real.begin(tmp_path, "cwl_runner", "--quiet", str(sleeping(tmp_path)))
    wait_until((tmp_path / "pid").exists)
    tool = int((tmp_path / "pid").read_text())
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM if how == "sigterm" else signal.SIGKILL)
    _, err = process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == {"ctrl-c": 130, "sigterm": 143, "kill": -signal.SIGKILL}[how]
    if how == "ctrl-c":
        assert err == "mlcraft-cwl-runner: interrupted\n"
    wait_until(lambda: not is_alive(tool))


def test_two_runs_at_once(real: RealPlace, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    processes = [real.begin(folder, "cwl_runner", "--quiet", *COUNT) for folder in folders]
    for process, folder in zip(processes, folders, strict=True):
        out, err = process.communicate(timeout=TIME_LIMIT)
        assert (process.returncode, json.loads(out)["count"]) == (0, 3), err
        assert (folder / "count.txt").is_file()


def test_runs_have_their_own_settings(real: RealPlace, tmp_path: Path) -> None:
    """The variables of the embedded Airflow are set anew in each run."""
    document = tmp_path / "variables.cwl"
    document.write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [sh, -c, 'echo $PWD $OF_RUN']\n"
        "inputs: []\nstdout: said.txt\noutputs: {said: {type: stdout}}\n"
        "requirements: {EnvVarRequirement: {envDef: {OF_RUN: yes}}}\n"
    )
    for name in ("a", "b"):
        environment = {**real.place.environment, "TMPDIR": str(tmp_path / name)}
        (tmp_path / name).mkdir()
        done = subprocess.run(
            real.command("cwl_runner", "--quiet", f"--outdir={name}", str(document)),
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name / "said.txt").read_text().startswith(str(tmp_path / name))


_RECORD = """
import os, sys
names = set()
Environment = type(os.environ)
read = Environment.__getitem__
def record(self, name):
    if isinstance(name, str):
        names.add(name)
    return read(self, name)
Environment.__getitem__ = record
from airflow_mlcraft.cli.warm.server import prepare_runs
prepare_runs(trains=True)
import threading
assert threading.active_count() == 1
if os.path.isdir("/proc/self/task"):
    threads = {open(f"/proc/self/task/{thread}/comm").read().strip() for thread in os.listdir("/proc/self/task")}
    assert {thread for thread in threads if not thread.startswith("python")} <= {"jemalloc_bg_thd"}, threads
assert "sklearn.ensemble" in sys.modules
print(*sorted(names))
"""
_OF_EACH_RUN = {"TMPDIR", "TEMP", "TMP"}


def test_variables_that_a_parent_reads_decide_whether_it_fits(real: RealPlace) -> None:
    """Prepares a parent in an environment with little in it, where all that is read is read by name."""
    environment = {name: real.place.environment[name] for name in ("PATH", "PYTHONPATH", "MLCRAFT_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", _RECORD],
        env={**environment, "HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {*done.stdout.split()}
    assert "HOME" in names
    assert {name for name in names if not matters(name)} <= _OF_EACH_RUN
