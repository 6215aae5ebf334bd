"""A tool that is ended takes its container along."""

from __future__ import annotations

import time
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound

from airflow_mlcraft.cwl.containers import Containers, kill_container, kill_container_of
from airflow_mlcraft.cwl.tool import stop_tools
from airflow_mlcraft.errors import ToolError
from tests.cwl.test_tool import Runner, run

__all__ = ["run"]
SAID = "[stdout] "


@pytest.mark.docker
@pytest.mark.parametrize(("seconds", "stopped"), [(4, False), (0, True)])
def test_no_container_is_left(run: Runner, seconds: int, stopped: bool) -> None:
    """At its time limit, and when somebody stops the task."""
    names = []

    def log(level: int, line: str) -> None:
        if line.startswith(SAID):
            names.append(line.removeprefix(SAID))
            if stopped:
                stop_tools()

    with pytest.raises(ToolError, match="failed" if stopped else "failed at its time limit of 4 s"):
        run("stubborn_container", {"seconds": seconds}, log=log, containers=Containers(pull=False))
    assert _is_gone(*names)


def _is_gone(name: str) -> bool:
    """The engine removes a container a moment after its end."""
    engine = docker.from_env()
    for _ in range(300):
        try:
            engine.containers.get(name)
        except NotFound:
            return True
        time.sleep(0.1)
    return False


def test_what_started_no_container_ends_none(tmp_path: Path) -> None:
    kill_container_of(["sleep", "1"])
    kill_container(tmp_path / "never_written", "no-such-engine")
