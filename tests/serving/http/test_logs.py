"""The prediction log, and limits of the log writer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from airflow_mlcraft.serving.http.logs import JsonLinesLog, rotating_file
from tests.serving.conftest import live_server, wait_until
from tests.serving.http.test_request_reader import PERSON

ModelOf = Callable[[str], Path]


def test_every_prediction_is_logged(tmp_path: Path, model_of: ModelOf) -> None:
    folder = tmp_path / "log of predictions"
    with live_server(tmp_path / "server", model_of("people"), "--log-predictions", str(folder)) as server:
        for number in range(5):
            headers = {"X-Request-ID": f"r{number}"}
            body = {"records": [PERSON, PERSON | {"job": None, "income": None}]}
            answer = server.post("/predict", body, headers=headers)
            assert answer.status == 200, answer.text
        server.post("/predict", {"records": [{}]})
        assert server.stop() == 0
        lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert [line["request_id"] for line in lines] == [f"r{number}" for number in range(5)]
    assert lines[0]["model"] == answer.json["model"]
    assert lines[0]["predictions"] == answer.json["predictions"]
    assert lines[0]["columns"]["job"] == ["cook", None]
    assert lines[0]["columns"]["income"] == [1.5, None]


def test_a_sample_rate_of_zero_logs_nothing(tmp_path: Path, model_of: ModelOf) -> None:
    folder = tmp_path / "predictions"
    options = ("--log-predictions", str(folder), "--log-sample", "0")
    with live_server(tmp_path / "server", model_of("people"), *options) as server:
        assert server.post("/predict", {"records": [PERSON]}).status == 200
        server.stop()
    assert [path.read_text() for path in folder.glob("*")] == [""]


def test_files_are_rotated(tmp_path: Path) -> None:
    open_file, rotate = rotating_file(tmp_path / "x.jsonl", 1000, 3)
    log = JsonLinesLog(open_file, rotate=rotate)
    for number in range(20):
        log.put({"number": number, "padding": "x" * 200})
        log._write()
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.1.jsonl", "x.2.jsonl", "x.jsonl"]
    kept = [
        json.loads(line)["number"]
        for name in ("x.2.jsonl", "x.1.jsonl", "x.jsonl")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert kept == sorted(kept)
    assert kept[-1] == 19


def test_entries_beyond_the_queue_are_dropped_and_counted(tmp_path: Path) -> None:
    dropped: list[int] = []
    held = threading.Event()

    def serialize(number: int) -> dict[str, int]:
        held.wait(10)
        return {"number": number}

    log = JsonLinesLog(rotating_file(tmp_path / "x.jsonl", 10**9, 2)[0], serialize=serialize, on_dropped=dropped.append)
    for number in range(50_000):
        log.put(number)
    held.set()
    log.close()
    written = len((tmp_path / "x.jsonl").read_text().splitlines())
    assert written + sum(dropped) == 50_000
    assert written <= 20_000


def test_a_full_disk_does_not_end_the_log() -> None:
    dropped: list[int] = []
    log = JsonLinesLog(lambda: Path("/dev/full").open("ab"), on_dropped=dropped.append)  # noqa: SIM115
    log.put({"number": 1})
    wait_until(lambda: dropped == [1])
    log.put({"number": 2})
    wait_until(lambda: dropped == [1, 1])
