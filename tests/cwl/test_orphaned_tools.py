"""A tool is ended when the process of its task is killed, by a watcher and by whoever tries the task again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from airflow_mlcraft.common.environment_variables import TASK_MARK, without_task_mark
from airflow_mlcraft.cwl.orphaned_tools import LABEL, ToolOwner, kill_orphans
from airflow_mlcraft.errors import ToolError
from tests.cwl.test_tool import TOOLS, Runner, run

__all__ = ["run"]

# The process of a task, as far as its tool goes.
TASK_PROCESS = """
import sys
from pathlib import Path
from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.containers import Containers
from airflow_mlcraft.cwl.orphaned_tools import ToolOwner
from airflow_mlcraft.cwl.tool import run_tool
document, folder, use = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
cache = PlanCache(folder / "plans")
tool = cache.tool(cache.get_plan(document).root.steps[0].run.digest)
job = {"how": sys.argv[4]} if use == "never" else {"seconds": 0}
owner = ToolOwner.of_task(folder, task_id="sleeps")
(folder / "run").mkdir()
print("ready", flush=True)
run_tool(tool, job, name="sleeps", folder=folder / "run", log=lambda level, line: print(line, flush=True),
         containers=Containers(use=use, pull=False), owner=owner)
"""


def wait_until(true: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def start_task(folder: Path, document: str, use: str, how: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", TASK_PROCESS, str(TOOLS / f"{document}.cwl"), str(folder), use, how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def list_marked_processes(owner: ToolOwner) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TASK_MARK) == owner.mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def list_watchers(owner: ToolOwner) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if owner.mark in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


SLEEPS = "setsid sleep 1000 & sleep 1000; wait"


def test_the_tool_of_a_task_that_is_killed_is_ended(tmp_path: Path) -> None:
    owner = ToolOwner.of_task(tmp_path)
    process = start_task(tmp_path, "killed_by", "never", SLEEPS)
    wait_until(lambda: len(list_marked_processes(owner)) >= 3)
    process.kill()
    process.communicate()
    wait_until(lambda: not list_marked_processes(owner))
    wait_until(lambda: not list_watchers(owner))


def test_what_a_watcher_that_was_killed_too_leaves_is_ended_by_the_next_try(tmp_path: Path) -> None:
    owner = ToolOwner.of_task(tmp_path)
    process = start_task(tmp_path, "killed_by", "never", SLEEPS)
    wait_until(lambda: len(list_marked_processes(owner)) >= 3)
    for watcher in list_watchers(owner):
        watcher.kill()
    process.kill()
    process.communicate()
    assert len(list_marked_processes(owner)) >= 3
    assert kill_orphans(ToolOwner.of_task(tmp_path / "of another task")) == ""
    assert len(list_marked_processes(owner)) >= 3
    assert kill_orphans(owner).endswith("processes")
    assert list_marked_processes(owner) == []
    assert kill_orphans(owner) == ""


def test_a_task_that_ends_well_leaves_no_watcher_and_what_its_tool_left_alone(tmp_path: Path) -> None:
    owner = ToolOwner.of_task(tmp_path)
    process = start_task(tmp_path, "killed_by", "never", "setsid sleep 1000 >/dev/null 2>&1 &")
    assert "completed success" in process.communicate()[0]
    assert process.returncode == 0
    assert list_watchers(owner) == []
    (left,) = list_marked_processes(owner)
    os.kill(left, signal.SIGKILL)


def test_a_task_that_is_stopped_takes_all_of_its_tool_along(run: Runner) -> None:
    from airflow_mlcraft.cwl.tool import stop_tools

    owner = ToolOwner.of_task(run.folder)

    def log(level: int, line: str) -> None:
        if "started" in line and line.startswith("[stdout]"):
            stop_tools()

    with pytest.raises(ToolError):
        run("killed_by", {"how": f"(setsid sleep 1000 &) ; echo started; {SLEEPS}"}, owner=owner, log=log)
    assert list_marked_processes(owner) == []


def test_what_outlives_a_task_has_no_mark() -> None:
    assert without_task_mark({TASK_MARK: "mark", "PATH": "/bin"}) == {"PATH": "/bin"}


@pytest.mark.docker
def test_the_container_of_a_task_that_is_killed_is_ended(tmp_path: Path) -> None:
    import docker

    owner, engine = ToolOwner.of_task(tmp_path), docker.from_env()
    process = start_task(tmp_path, "stubborn_container", "always")
    mine: dict[str, Any] = {"filters": {"label": f"{LABEL}={owner.mark}"}}
    wait_until(lambda: engine.containers.list(**mine))
    assert engine.containers.list(**mine)[0].labels["mlcraft.task_id"] == "sleeps"
    process.kill()
    process.communicate()
    wait_until(lambda: not engine.containers.list(all=True, **mine))


@pytest.mark.docker
def test_the_container_that_an_earlier_try_has_left_is_ended(tmp_path: Path) -> None:
    import docker

    owner, engine = ToolOwner.of_task(tmp_path), docker.from_env()
    process = start_task(tmp_path, "stubborn_container", "always")
    mine: dict[str, Any] = {"filters": {"label": f"{LABEL}={owner.mark}"}}
    wait_until(lambda: engine.containers.list(**mine))
    for watcher in list_watchers(owner):
        watcher.kill()
    process.kill()
    process.communicate()
    assert engine.containers.list(**mine)
    assert "1 container" in kill_orphans(owner, "docker")
    wait_until(lambda: not engine.containers.list(all=True, **mine))
