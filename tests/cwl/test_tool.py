"""One tool, run by cwltool: how it ends, what it says meanwhile, where it runs."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cwltool.utils import processes_to_kill

from airflow_mlcraft.cwl.cache import PlanCache
from airflow_mlcraft.cwl.containers import Containers
from airflow_mlcraft.cwl.tool import ToolResult, run_tool, stop_tools
from airflow_mlcraft.errors import InputError, MlcraftError, ToolError, UnsupportedError

TOOLS = Path(__file__).parents[1] / "documents" / "tools"
NEVER = Containers(use="never")


@dataclass
class Runner:
    """Runs tools in a folder, and keeps their log."""

    cache: PlanCache
    folder: Path
    lines: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, name: str, job: dict[str, Any] | None = None, **options: Any) -> ToolResult:
        plan = self.cache.get_plan(TOOLS / f"{name}.cwl")
        document = self.cache.tool(plan.root.steps[0].run.digest)
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        log = options.pop("log", lambda level, line: self.lines.append((level, line)))
        return run_tool(document, job or {}, name=name, folder=folder, log=log, **{"containers": NEVER, **options})

    def output(self) -> str:
        return "\n".join(line for _, line in self.lines)


@pytest.fixture
def run(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(PlanCache(tmp_path_factory.getbasetemp() / "plans"), tmp_path)


@pytest.mark.parametrize("code", [0, 3])
def test_success_codes(run: Runner, code: int) -> None:
    done = run("exits", {"code": code})
    assert done.exit_code == code
    assert done.outputs["made"]["basename"] == "made.txt"
    assert Path(done.outputs["made"]["location"].removeprefix("file://")).is_relative_to(run.folder)
    assert not any("commonwl.org" in key for key in done.outputs["made"])
    assert done.container == ""
    assert done.resources["cores"] >= 1
    assert 0 < done.seconds < 60


@pytest.mark.parametrize(("code", "temporary"), [(4, True), (5, False), (1, False), (77, False)])
def test_failures(run: Runner, code: int, temporary: bool) -> None:
    with pytest.raises(ToolError) as caught:
        run("exits", {"code": code})
    assert caught.value.temporary is temporary
    assert f"the tool of exits failed with exit code {code}" in str(caught.value)
    assert f"the code is {code}" in str(caught.value), "the tool's last words"


@pytest.mark.parametrize(
    ("how", "signal"),
    [
        ("kill -9 $$", "SIGKILL"),
        ("kill -15 $$", "SIGTERM"),
        ("exit 137", "SIGKILL"),
        ("sh -c 'kill -9 $$'; exit $?", "SIGKILL"),
        ("kill -11 $$", ""),
        ("exit 139", ""),
        ("exit 143", ""),  # the document says itself that it is a failure
        ("exit 130", ""),
        ("exit 1", ""),
    ],
)
def test_a_signal_from_outside_is_no_verdict_of_the_tool(run: Runner, how: str, signal: str) -> None:
    with pytest.raises(ToolError, match=f"ended from outside by {signal}" if signal else "failed with exit code") as e:
        run("killed_by", {"how": how})
    assert e.value.temporary is bool(signal)


def test_the_command_line_is_in_the_log(run: Runner) -> None:
    run("exits", {"code": 0})
    assert "exit $0" in run.output()
    assert (logging.INFO, "[stderr] the code is 0") in run.lines


def test_lines_are_logged_before_the_tool_ends(run: Runner) -> None:
    """The tool waits for an answer that is only given once its question was heard."""
    pipe = run.folder.parent / f"{run.folder.name}.pipe"
    os.mkfifo(pipe)
    heard: list[str] = []

    def log(level: int, line: str) -> None:
        heard.append(line)
        if line == "[stdout] a question?":
            threading.Thread(target=pipe.write_text, args=("yes\n",), daemon=True).start()

    run("asks", {"pipe": str(pipe)}, log=log)
    assert heard.index("[stdout] a question?") < heard.index("[stdout] heard yes")
    assert "[stderr] unfinished" in heard, "a last line without its end"


def test_a_tool_runs_as_the_user_of_the_worker_and_sees_its_files(
    tmp_path: Path, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a container nothing else stands between them."""
    (tmp_path.parent / "of_the_worker.txt").write_text("anything")
    (tmp_path.parent / "looks.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\ninputs: []\noutputs: []\n"
        f'baseCommand: [sh, -c, "id -u; cat {tmp_path.parent}/of_the_worker.txt; env"]\n'
    )
    monkeypatch.setenv("A_SECRET_OF_THE_WORKER", "hunter2")
    run(str(tmp_path.parent / "looks"))
    assert f"[stdout] {os.getuid()}\n" in run.output()
    assert "anything" in run.output()
    assert "hunter2" not in run.output(), "the environment of the worker is not the tool's"


def test_a_text_is_one_argument_unless_the_document_gives_it_to_a_shell(tmp_path: Path, run: Runner) -> None:
    for name, command in (("plain", "[echo, $(inputs.text)]"), ("shell", "[sh, -c, $(inputs.text)]")):
        (tmp_path.parent / f"{name}.cwl").write_text(
            "cwlVersion: v1.2\nclass: CommandLineTool\ninputs: {text: string}\noutputs: []\n"
            f"baseCommand: env\narguments: {command}\n"
        )
        run(str(tmp_path.parent / name), {"text": "echo one; echo two"})
    assert [line for _, line in run.lines if line.startswith("[stdout]")] == [
        "[stdout] echo one; echo two", "[stdout] one", "[stdout] two",
    ]  # fmt: skip


def test_a_time_limit(run: Runner) -> None:
    started = time.monotonic()
    with pytest.raises(ToolError, match="too_slow failed"):
        run("too_slow")
    assert time.monotonic() - started < 60
    assert "time limit" in run.output().lower()


def test_tools_are_stopped(run: Runner) -> None:
    """What happens when somebody marks the task as failed while its tool runs."""
    pipe = run.folder.parent / f"{run.folder.name}.pipe"
    os.mkfifo(pipe)

    def log(level: int, line: str) -> None:
        if line == "[stdout] a question?":
            # cwltool notes a process only when it has begun, and it may have asked by then.
            while all(process.poll() is not None for process in tuple(processes_to_kill)):
                time.sleep(0.01)
            stop_tools()

    with pytest.raises(ToolError, match="asks failed"):
        run("asks", {"pipe": str(pipe)}, log=log)


def test_a_command_that_is_not_there(run: Runner) -> None:
    with pytest.raises(MlcraftError, match="no-such-command-anywhere") as caught:
        run("no_such_command")
    assert not getattr(caught.value, "temporary", False)


def test_an_output_that_was_not_made(run: Runner) -> None:
    with pytest.raises(ToolError, match="promised"):
        run("no_output")


def test_a_wrong_expression(run: Runner) -> None:
    with pytest.raises(MlcraftError, match="nobody is not defined") as caught:
        run("wrong_expression")
    assert "\n" not in str(caught.value)


def test_wrong_inputs(run: Runner) -> None:
    with pytest.raises(InputError, match="exits: .*code"):
        run("exits", {"code": "three"})


def test_a_container_that_is_required_and_switched_off(run: Runner) -> None:
    with pytest.raises(
        UnsupportedError, match="requires the container example/image:1, and containers are switched off"
    ):
        run("needs_container")


def test_a_container_that_is_hinted_at_and_switched_off(run: Runner) -> None:
    assert run("likes_container").container == ""


def test_no_engine(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{run.folder}/no.sock")
    with pytest.raises(UnsupportedError, match="requires the container example/image:1, and "):
        run("needs_container", containers=Containers())
    with pytest.raises(UnsupportedError, match="example/image:1"):
        run("likes_container", containers=Containers(use="always"))
    assert run("likes_container", containers=Containers()).container == ""
    assert "running it without one" in run.output()


def test_logging_is_left_as_it_was(run: Runner) -> None:
    logger = logging.getLogger("cwltool")
    before = (list(logger.handlers), logger.propagate, logger.level, threading.active_count())
    with pytest.raises(ToolError):
        run("exits", {"code": 1})
    run("exits", {"code": 0})
    assert (list(logger.handlers), logger.propagate, logger.level) == before[:3]
    assert threading.active_count() <= before[3] + 1
