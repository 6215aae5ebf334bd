"""`run`, `status`, `logs` and `stop`: one server of a project, and what they say without one."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.project.projects import Workspace

ROW = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}
TIME_LIMIT = 60


@pytest.fixture(scope="module")
def served(trained: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A copy of the project whose server runs."""
    place = trained.copy(tmp_path_factory.mktemp("served"))
    result = place.mlcraft("run", "iris", "--detach")
    assert result.code == 0, result.err
    (place.folder / "said").write_text(result.out)
    yield place
    place.mlcraft("stop", "iris")


def url(workspace: Workspace) -> str:
    return str(workspace.mlcraft("status", "iris", "--json").json()["url"])


def test_it_answers_and_says_what_is_next(served: Workspace) -> None:
    output = (served.folder / "said").read_text()
    assert f"✓ iris answers at {url(served)}" in output
    assert "Next: mlcraft predict iris data/test.parquet predicts rows" in output
    assert "Next: mlcraft stop iris ends the server" in output
    answer = httpx.post(f"{url(served)}/predict", json={"records": [ROW]})
    assert answer.status_code == 200
    assert httpx.get(f"{url(served)}/health").status_code == 200


def test_status(served: Workspace) -> None:
    result = served.mlcraft("status", "iris")
    assert result.code == 0
    assert "runs at" in result.out
    assert re.search(r"model +(naive_bayes|decision_tree), acc [01]\.\d+ \(\w{12}\)", result.out)
    assert "Next: mlcraft logs iris --follow" in result.out
    found = served.mlcraft("status", "iris", "--json").json()
    assert (found["running"], found["current"], len(found["workers"])) == (True, True, 1)
    (listed,) = served.mlcraft("list", "--json").json()
    assert listed["server"] == found["url"]


def test_logs(served: Workspace) -> None:
    httpx.post(f"{url(served)}/predict", json={"records": [ROW]}, headers={"X-Request-Id": "look-for-me"})
    ending = time.monotonic() + TIME_LIMIT
    while "look-for-me" not in served.mlcraft("logs", "iris", "-n", "200").out:
        assert time.monotonic() < ending
        time.sleep(0.1)
    assert len(served.mlcraft("logs", "iris", "-n", "2").out.splitlines()) == 2
    assert isinstance(served.mlcraft("logs", "iris", "--json").json(), list)


def test_logs_that_follow(served: Workspace) -> None:
    process = served.start("logs", "iris", "--follow", "-n", "0")
    assert process.stdout is not None
    ending = time.monotonic() + TIME_LIMIT
    os.set_blocking(process.stdout.fileno(), False)
    line = ""
    while "followed" not in line and time.monotonic() < ending:
        httpx.post(f"{url(served)}/predict", json={"records": [ROW]}, headers={"X-Request-Id": "followed"})
        line = process.stdout.readline() or ""
    process.send_signal(signal.SIGINT)
    assert process.wait(TIME_LIMIT) == 130
    assert "followed" in line
    process.communicate()


def test_a_champion_is_swapped_in(served: Workspace) -> None:
    before = served.mlcraft("status", "iris", "--json").json()
    scores = json.loads(served.project().scores.read_text())
    other = "decision_tree" if scores["winner"] == "naive_bayes" else "naive_bayes"
    trained = served.mlcraft("history", "iris", "--json").json()[0]["outputs"]["models"]
    folder = trained[["naive_bayes", "decision_tree"].index(other)]
    served.project().champion.rename(served.project().folder / "models" / "before")
    served.project().champion.symlink_to(folder)
    assert "not today's champion; `mlcraft run iris -d` swaps it in" in served.mlcraft("status", "iris").out
    output = served.mlcraft("run", "iris", "--json").json()
    after = served.mlcraft("status", "iris", "--json").json()
    assert output["url"] == before["url"] == after["url"]
    assert output["replaced"]
    assert after["content"] == output["content"] != before["content"]
    assert after["current"]
    assert after["pid"] == before["pid"], "no request was dropped: it is the same server"


def test_without_a_server(trained: Workspace) -> None:
    result = trained.mlcraft("status", "iris")
    assert result.code == 3
    assert result.out == "No server of iris runs.\nNext: mlcraft run iris --detach starts one.\n"
    assert json.loads(trained.mlcraft("status", "iris", "--json").out) == {"project": "iris", "running": False}
    for words in (["stop", "iris"], ["logs", "iris"]):
        result = trained.mlcraft(*words)
        assert (result.code, result.out) == (1, "")
        assert "start one with `mlcraft run iris`" in result.err


def test_a_port_that_is_taken(trained_copy: Workspace) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = trained_copy.mlcraft("run", "iris", "--detach", "--port", str(port))
        assert (result.code, result.out) == (1, "")
        assert f"port {port} of 127.0.0.1 cannot be had: Address already in use; name another with" in result.err
        trained_copy.project().manifest.write_text(
            trained_copy.project().manifest.read_text().replace("# port = 8100", f"port = {port}")
        )
        assert f"port {port} of 127.0.0.1 cannot be had" in trained_copy.mlcraft("run", "iris", "--detach").err
    assert trained_copy.mlcraft("run", "iris", "--port", "70000").code == 2
    assert "cannot be had" in trained_copy.mlcraft("run", "iris", "--host", "192.0.2.1", "--port", "1234").err
    assert trained_copy.mlcraft("status", "iris").code == 3


def test_a_champion_that_is_damaged(trained_copy: Workspace) -> None:
    skops = trained_copy.project().champion / "model.skops"
    skops.chmod(0o644)
    skops.unlink()
    skops.write_bytes(b"nonsense")
    result = trained_copy.mlcraft("run", "iris", "--detach")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("mlcraft: ")
    assert "Traceback" not in result.err
    assert trained_copy.mlcraft("status", "iris").code == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground_it_ends_with_the_command(trained_copy: Workspace, number: signal.Signals) -> None:
    process = trained_copy.start("run", "iris")
    assert process.stdout is not None
    output = ""
    while "Ctrl-C ends it" not in output and (line := process.stdout.readline()):
        output += line
    found = trained_copy.mlcraft("status", "iris", "--json").json()
    assert httpx.get(f"{found['url']}/health").status_code == 200
    process.send_signal(number)
    out, err = process.communicate(timeout=TIME_LIMIT)
    assert "✓ the server of iris has ended" in output + out, err
    assert trained_copy.mlcraft("status", "iris").code == 3


def test_delete_stops_the_server(trained_copy: Workspace, tmp_path: Path) -> None:
    found = trained_copy.mlcraft("run", "iris", "--detach", "--json").json()
    assert httpx.get(f"{found['url']}/health").status_code == 200
    assert trained_copy.mlcraft("delete", "iris", "--yes").code == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{found['url']}/health")
