"""Runs in children of a parent are as in the command's own process, and a parent that is of no use is passed over.

The parent of these tests imports nothing for its runs; test_runs.py has those of the real one.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.cli.warm import client
from tests.cli.warm.places import (
    HERE,
    TIME_LIMIT,
    Place,
    is_alive,
    new_place,
    open_terminal,
    process_state,
    read_terminal,
    wait_until,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Place]:
    """A place with a parent, which tests do not end."""
    made = new_place()
    made.start()
    yield made
    made.close()


@pytest.fixture
def place() -> Iterator[Place]:
    made = new_place()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("words", "code", "err"),
    [
        (["leave", "0"], 0, ""),
        (["leave", "3"], 3, ""),
        (["leave", "255"], 255, ""),
        (["leave", "sentence"], 1, "a sentence\n"),
        (["die", "9"], -9, ""),
        (["die", "15"], -15, ""),
    ],
)
def test_exit_codes(shared: Place, words: list[str], code: int, err: str) -> None:
    done = shared.run(*words)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (code, b"", err)


def test_an_error_that_nobody_catches(shared: Place) -> None:
    done = shared.run("fail")
    assert (done.returncode, done.stdout) == (1, b"before\n")
    assert done.stderr.startswith(b"Traceback") and done.stderr.endswith(b"RuntimeError: it broke\n")
    assert shared.run("interrupt").returncode == -signal.SIGINT


def test_what_a_run_takes_over(shared: Place, tmp_path: Path) -> None:
    def prepare() -> None:
        os.umask(0o027)
        os.nice(1)
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    folder = tmp_path / "ä b"
    folder.mkdir()
    environment = {**shared.environment, "OF_THIS_RUN": "1 é", "TMPDIR": str(tmp_path)}
    done = shared.run("describe", "", "*", "é", cwd=folder, env=environment, preexec_fn=prepare)
    assert done.stderr == b""
    found = json.loads(done.stdout)
    assert found["arguments"] == ["describe", "", "*", "é"]
    assert found["folder"] == str(folder)
    assert found["umask"] == 0o027
    assert found["environment"].items() >= environment.items()
    assert not {*found["environment"]} - {*environment, "LC_CTYPE"}
    assert found["files"][0] == 200
    assert found["nice"] == os.nice(0) + 1
    assert found["ignores_interrupt"] is True
    assert found["temporary"] == str(tmp_path)
    assert found["names"][:3] == ["<stdin>", "<stdout>", "<stderr>"]
    assert found["streams"] == [False, False, True]
    assert [number for number in found["descriptors"] if number > 2] in ([], [3])  # the one of the list itself


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_the_cores_that_a_command_may_use(shared: Place) -> None:
    core = min(os.sched_getaffinity(0))
    done = shared.run("describe", preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    assert json.loads(done.stdout)["cores"] == [core]


def test_bytes_pass_unchanged(shared: Place) -> None:
    data = bytes(range(256)) * 1000
    done = shared.run("copy", "0", input=data)
    assert done.stdout == data
    assert done.stderr.decode() == "é on stderr\n"


def test_other_open_files_pass_too(shared: Place) -> None:
    """As of the shell's <(…)."""
    read, write = os.pipe()
    os.write(write, b"from a pipe")
    os.close(write)
    done = shared.run("copy", str(read), pass_fds=[read])
    os.close(read)
    assert done.stdout == b"from a pipe"


def test_chance_is_not_shared(shared: Place) -> None:
    parts = [shared.run("chance").stdout.split() for _ in range(3)]
    assert all(len({*values}) == 3 for values in zip(*parts, strict=True))


def test_a_run_has_the_terminal(shared: Place) -> None:
    process, terminal = open_terminal(shared.environment, shared.command("size"))
    os.write(terminal, b"Ada\n")
    text = read_terminal(terminal)
    assert "77 33 True True" in text
    assert "name? Ada" in text
    assert process.wait(TIME_LIMIT) == 0


def test_ctrl_c_in_a_terminal(shared: Place, tmp_path: Path) -> None:
    process, terminal = open_terminal(shared.environment, shared.command("wait", str(tmp_path)))
    wait_until((tmp_path / "begun").exists)
    os.write(terminal, b"\x03")
    assert "interrupted" in read_terminal(terminal)
    assert process.wait(TIME_LIMIT) == 130


def test_ctrl_z_in_a_terminal(shared: Place, tmp_path: Path) -> None:
    shell, terminal = open_terminal(shared.environment, shared.command("wait", str(tmp_path)), has_shell=True)
    wait_until((tmp_path / "begun").exists)
    run = int((tmp_path / "begun").read_text())
    os.write(terminal, b"\x1a")
    wait_until(lambda: process_state(run) == "T")
    shell.send_signal(signal.SIGUSR1)
    wait_until(lambda: process_state(run) == "S")
    os.write(terminal, b"\x03")
    assert shell.wait(TIME_LIMIT) == 130
    assert "stopped" in read_terminal(terminal)


def test_ctrl_z_that_nobody_could_continue(shared: Place, tmp_path: Path) -> None:
    """Without a shell, the system ignores it."""
    process, terminal = open_terminal(shared.environment, shared.command("wait", str(tmp_path)))
    wait_until((tmp_path / "begun").exists)
    run = int((tmp_path / "begun").read_text())
    os.write(terminal, b"\x1a")
    time.sleep(0.3)
    wait_until(lambda: process_state(run) == "S")
    os.write(terminal, b"\x03")
    assert process.wait(TIME_LIMIT) == 130
    os.close(terminal)


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit")])
def test_signals_are_forwarded(shared: Place, tmp_path: Path, number: int, reason: str) -> None:
    process = shared.begin("wait_for_sigterm", str(tmp_path))
    wait_until((tmp_path / "begun").exists)
    process.send_signal(number)
    process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal.Signals(number)]
    assert (tmp_path / "ended").read_text() == reason


def test_a_killed_command_ends_its_run(shared: Place, tmp_path: Path) -> None:
    process = shared.begin("wait_for_sigterm", str(tmp_path))
    wait_until((tmp_path / "begun").exists)
    process.kill()
    process.communicate()
    wait_until((tmp_path / "ended").exists)
    wait_until(lambda: not is_alive(int((tmp_path / "begun").read_text())))
    assert (tmp_path / "ended").read_text() == "SystemExit"


def test_two_commands_at_once(shared: Place, tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "two"]
    for folder in places:
        folder.mkdir()
    processes = [shared.begin("wait", str(folder), "60") for folder in places]
    for folder in places:
        wait_until((folder / "begun").exists)
    wait_until(lambda: (shared.ask("status") or {})["active"] >= 2)
    for process in processes:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIME_LIMIT)
        assert process.returncode == 130


def test_a_killed_parent_leaves_its_runs(place: Place, tmp_path: Path) -> None:
    parent = place.start()
    process = place.begin("wait", str(tmp_path), "1.5")
    wait_until((tmp_path / "begun").exists)
    parent.kill()
    parent.wait()
    process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == 0
    assert place.run("leave", "3").stdout == b"cold\n"


def test_a_killed_supervisor_ends_its_run(place: Place, tmp_path: Path) -> None:
    parent = place.start()
    process = place.begin("wait", str(tmp_path))
    wait_until((tmp_path / "begun").exists)
    run = int((tmp_path / "begun").read_text())
    supervisor = int(subprocess.run(["ps", "-o", "ppid=", "-p", str(run)], capture_output=True, check=True).stdout)
    assert supervisor != parent.pid
    os.kill(supervisor, signal.SIGKILL)
    _, err = process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == 1
    assert err == b"mlcraft: the process that ran this command was killed\n"
    wait_until(lambda: not is_alive(run))


@pytest.mark.parametrize("kind", ["none", "file", "stale", "folder"])
def test_a_broken_socket_is_passed_over(place: Place, kind: str) -> None:
    (place.runtime / "mlcraft").mkdir(mode=0o700)
    if kind == "file":
        place.socket.write_text("no socket")
    elif kind == "folder":
        place.socket.mkdir()
    elif kind == "stale":
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(place.socket))
    done = place.run("leave", "3")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"cold\n", b"")


@pytest.mark.parametrize("answer", ["", "D", "closes"])
def test_a_parent_that_hangs_is_passed_over(place: Place, answer: str) -> None:
    (place.runtime / "mlcraft").mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.socket))
        listener.listen()
        process = place.begin("leave", "3")
        connection, _ = listener.accept()
        connection.sendall(answer.encode() if len(answer) == 1 else b"")
        if answer == "closes":
            connection.close()
        assert process.communicate(timeout=TIME_LIMIT) == (b"cold\n", b"")
        connection.close()


def test_a_parent_that_hangs_is_replaced(place: Place) -> None:
    parent = place.start()
    parent.send_signal(signal.SIGSTOP)
    assert place.run("leave", "3").stdout == b"cold\n"
    # As if it had been started long ago: one that starts does not answer either.
    place.lock.write_text(json.dumps({"pid": parent.pid, "started": 0}))
    place.start()
    assert parent.wait(TIME_LIMIT) == -signal.SIGKILL
    assert place.run("leave", "3").returncode == 3


def test_only_one_parent_serves(place: Place) -> None:
    place.start()
    second = subprocess.run(
        [sys.executable, str(HERE / "warm_parent.py"), str(place.runtime / "mlcraft")],
        env=place.environment,
        check=False,
        timeout=TIME_LIMIT,
    )
    assert second.returncode == 0
    assert place.answers(place.parents[0].pid)


def test_folder_and_socket_are_the_user_s_own(shared: Place) -> None:
    assert stat.S_IMODE((shared.runtime / "mlcraft").stat().st_mode) == 0o700
    assert stat.S_IMODE(shared.socket.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(shared.lock.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707])
def test_a_folder_that_others_may_open_is_not_used(place: Place, mode: int) -> None:
    place.start()
    (place.runtime / "mlcraft").chmod(mode)
    assert place.run("leave", "3").stdout == b"cold\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_s_parent_is_not_used(tmp_path: Path) -> None:
    """The folder's permissions are wrong here, and the check of the peer is what is left."""
    place = Path(tempfile.mkdtemp(prefix="warm-"))
    place.chmod(0o777)
    path = place / "other.sock"
    code = (
        "import os, socket, sys\nos.setuid(65534)\nlistener = socket.socket(socket.AF_UNIX)\n"
        f"listener.bind({str(path)!r})\nlistener.listen()\nprint('ready', flush=True)\n"
        "listener.accept()\nsys.stdin.read()"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"ready\n"
    with pytest.raises(PermissionError, match="65534"):
        client.connect(str(path))
    other.communicate(b"")
    shutil.rmtree(place)


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"AIRFLOW__CORE__PARALLELISM": "3"}, "variables"),
        ({"PYTHONHASHSEED": "1"}, "variables"),
        ({"PATH": "/bin:/usr/bin"}, "variables"),
        ({"PYTHONPATH": f"{HERE.parents[2]}:/nowhere"}, "module path, variables"),
    ],
)
def test_another_setting_ends_the_parent(place: Place, variables: dict[str, str], reason: str) -> None:
    parent = place.start()
    changed = {**place.environment, **variables}
    done = place.run("leave", "3", env=changed)
    assert (done.stdout, done.stderr) == (b"cold\n", b"")
    parent.wait(TIME_LIMIT)
    assert place.log.read_text() == f"ended, because a command differs in: {reason}\n"
    place.start(None, **variables)
    assert place.run("leave", "3", env=changed).returncode == 3


def test_another_package_ends_the_parent(place: Place, tmp_path: Path) -> None:
    place.environment["PYTHONPATH"] += f":{tmp_path}"
    parent = place.start()
    assert place.run("leave", "3").returncode == 3
    (tmp_path / "thing-1.0.dist-info").mkdir()
    assert place.run("leave", "3").stdout == b"cold\n"
    parent.wait(TIME_LIMIT)
    assert "packages" in place.log.read_text()


def test_a_run_goes_on_when_its_parent_is_stopped(place: Place, tmp_path: Path) -> None:
    parent = place.start()
    process = place.begin("wait", str(tmp_path), "1")
    wait_until((tmp_path / "begun").exists)
    answer = place.ask("stop")
    assert answer is not None and (answer["pid"], answer["active"]) == (parent.pid, 1)
    parent.wait(TIME_LIMIT)
    process.communicate(timeout=TIME_LIMIT)
    assert process.returncode == 0


def test_an_idle_parent_ends(place: Place, tmp_path: Path) -> None:
    parent = place.start(MLCRAFT_WARM_IDLE="1")
    place.environment["MLCRAFT_WARM_IDLE"] = "1"
    assert place.run("wait", str(tmp_path), "2").returncode == 0
    assert parent.poll() is None, "a run under way is no idleness"
    assert parent.wait(TIME_LIMIT) == 0
    assert not place.socket.exists()


@pytest.mark.parametrize("kind", ["priority", "RLIMIT_CORE"])
def test_a_parent_with_less_than_the_command_has_ends(place: Place, kind: str) -> None:
    """A run could not have what its parent has not."""
    if kind == "priority":
        place.start(lambda: os.nice(5))
    else:
        place.start(lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
    assert place.run("leave", "3").stdout == b"cold\n"
    place.parents[0].wait(TIME_LIMIT)
    assert kind in place.log.read_text()


@pytest.mark.parametrize(
    "variables",
    [
        {"MLCRAFT_WARM": "0"},
        {"MLCRAFT_WARM": "", "CI": "true"},
        {"MLCRAFT_TASK": "x"},
        {"AIRFLOW_CTX_DAG_ID": "x"},
        {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
        {"SLURM_JOB_ID": "1"},
    ],
)
def test_it_can_be_off(shared: Place, variables: dict[str, str]) -> None:
    assert shared.run("leave", "3", env={**shared.environment, **variables}).stdout == b"cold\n"
    assert shared.run("leave", "3").returncode == 3


def test_there_is_no_folder_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert client.find_folder() is None
    monkeypatch.setenv("HOME", "/")
    assert client.find_folder() is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert client.find_folder() == str(tmp_path / ".cache" / "mlcraft" / "warm")
    assert stat.S_IMODE((tmp_path / ".cache" / "mlcraft" / "warm").stat().st_mode) == 0o700


def test_the_command_s_side_imports_little() -> None:
    code = "import sys, airflow_mlcraft.cli.entry\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {*done.stdout.split()}
    assert not loaded & {"typing", "subprocess", "pathlib", "typer", "argparse", "importlib.metadata", "airflow"}
    own = {name for name in loaded if name.startswith("airflow_mlcraft")}
    assert own == {
        *("airflow_mlcraft", "airflow_mlcraft.cli", "airflow_mlcraft.cli.entry", "airflow_mlcraft.cli.warm"),
        "airflow_mlcraft.cli.warm.client",
    }


def test_the_verbs(place: Place) -> None:
    def verb(*words: str) -> tuple[int, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "airflow_mlcraft.cli.main", "warm", *words],
            env=place.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout) if "--json" in words else done.stdout

    assert verb("status", "--json") == (3, {"running": False})
    parent = place.start()
    place.run("leave", "0")
    code, found = verb("status", "--json")
    assert (code, found["running"], found["pid"], found["runs"], found["active"]) == (0, True, parent.pid, 1, 0)
    assert found["memory"] > 1e6 and found["seconds"] >= 0
    code, text = verb("status")
    assert code == 0 and re.search(rf"Process {parent.pid}, for 0 min \d+ s, \d+ MB: 0 of 1 runs under way", text)
    assert verb("stop")[1] == f"✓ Process {parent.pid} has ended\n"
    assert parent.wait(TIME_LIMIT) == -signal.SIGTERM
    assert verb("stop", "--json") == (0, {"stopped": False})
