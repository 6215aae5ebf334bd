"""Roll-outs of models to a server that outlives them, and roll-backs on failure."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from airflow_mlcraft.serving.http.errors import ServingError
from airflow_mlcraft.serving.model.folder import compute_model_hash
from airflow_mlcraft.serving.process import local_server
from airflow_mlcraft.serving.process.rollout import Deployment, roll_out
from tests.serving import models
from tests.serving.conftest import PROJECT, LiveServer, free_port, wait_until
from tests.serving.load import LoadGenerator
from tests.serving.models import OTHER, ROW

ModelOf = Callable[[str], Path]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder; no server outlives the test."""
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.setenv("MLCRAFT_TRUSTED_TYPES", models.TRUST["MLCRAFT_TRUSTED_TYPES"])
    folder = tmp_path / "state"
    yield folder
    for deployment in folder.glob("*/server.json"):
        if local_server.find_running(deployment.parent):
            local_server.stop(deployment.parent)


def client(state: Path, name: str = "iris") -> LiveServer:
    process = local_server.find_running(state / name)
    assert process is not None
    return LiveServer(None, process.port, state / name)  # type: ignore[arg-type]


def test_first_and_later_roll_outs(state: Path, model_of: ModelOf) -> None:
    first = roll_out(model_of("linear"), "iris", state)
    pid = local_server.status(state / "iris")["pid"]
    assert first.replaced is None
    assert first.content == compute_model_hash(model_of("linear"))
    assert [question["prediction"] for question in first.smoke] == [0] * 5
    assert client(state).post("/predict", [ROW, OTHER]).json["predictions"] == [0, 2]
    assert (state / "iris" / "predictions" / "predictions-0.jsonl").exists()
    second = roll_out(model_of("forest"), "iris", state, rows=[ROW, OTHER | {"target": 2}])
    assert (second.url, second.replaced) == (first.url, first.content)
    assert second.smoke == [{"row": ROW, "prediction": 0}, {"row": OTHER, "prediction": 2}]
    assert local_server.status(state / "iris")["pid"] == pid
    assert client(state).get("/model").json["content"] == second.content
    third = roll_out(model_of("small_forest"), "iris", state)
    assert {folder.name for folder in (state / "iris" / "models").iterdir()} == {second.content, third.content}


def test_smoke_tests_are_not_counted_as_predictions(state: Path, model_of: ModelOf) -> None:
    """Neither at a start nor at a swap; requests of clients count, even with a self-test header."""
    log = state / "iris" / "predictions" / "predictions-0.jsonl"
    roll_out(model_of("linear"), "iris", state)
    second = roll_out(model_of("forest"), "iris", state)
    assert client(state).get("/predictions_count").json["predictions"] == 0
    assert client(state).post("/predict", [ROW, OTHER], headers={"x-mlcraft-self-test": "a guess"}).status == 200
    counted = client(state).get("/predictions_count").json
    assert counted["models"] == {second.content[:12]: 2}
    wait_until(lambda: log.read_text().count("\n") == 1)
    assert json.loads(log.read_text())["model"] == second.content[:12]


def test_the_same_model_again_changes_nothing(state: Path, model_of: ModelOf) -> None:
    lines: list[str] = []
    roll_out(model_of("linear"), "iris", state)
    first = roll_out(model_of("small_forest"), "iris", state)
    log = (state / "iris" / "server.log").read_text().count("model swapped")
    assert roll_out(model_of("small_forest"), "iris", state, report=lines.append) == first
    assert (state / "iris" / "server.log").read_text().count("model swapped") == log
    assert "served already" in lines[0]


def test_a_server_that_has_died_is_started_again(state: Path, model_of: ModelOf) -> None:
    first = roll_out(model_of("linear"), "iris", state)
    process = psutil.Process(local_server.status(state / "iris")["pid"])
    process.kill()
    process.wait()
    again = roll_out(model_of("linear"), "iris", state)
    assert again == first
    assert client(state).get("/health").status == 200


def assert_refused(state: Path, model: Path, words: str, **options: float) -> str:
    """The roll-out fails with these words, and the irises are served as before."""
    before = client(state).get("/model").json["content"]
    remembered = (state / "iris" / "deployment.json").read_text()
    with pytest.raises(ServingError, match=words) as caught:
        roll_out(model, "iris", state, **options)  # type: ignore[arg-type]
    assert client(state).get("/model").json["content"] == before
    assert client(state).post("/predict", [OTHER]).json["predictions"] == [2]
    assert (state / "iris" / "deployment.json").read_text() == remembered
    return str(caught.value)


def test_failing_models_are_reverted(state: Path, model_of: ModelOf, tmp_path: Path) -> None:
    roll_out(model_of("linear"), "iris", state)
    version = client(state).get("/model").json["version"]
    message = assert_refused(state, model_of("process_id"), "and the model itself")
    assert message.endswith(f"the model {version} is served on, at {client(state).url}")
    assert "took" in assert_refused(state, model_of("slow"), "are allowed", max_seconds=0.1)
    broken = Path(shutil.copytree(model_of("linear"), tmp_path / "broken"))
    (broken / "model.skops").write_bytes(b"no model")
    assert_refused(state, broken, "cannot be read as a model")
    assert_refused(state, tmp_path, "is no model")
    assert [folder.name[:12] for folder in (state / "iris" / "models").iterdir()] == [version]
    assert roll_out(model_of("forest"), "iris", state).replaced == compute_model_hash(model_of("linear"))


def test_a_first_model_that_fails_leaves_no_server(state: Path, model_of: ModelOf) -> None:
    with pytest.raises(ServingError, match="nothing is served"):
        roll_out(model_of("process_id"), "iris", state)
    assert local_server.find_running(state / "iris") is None


def test_the_previous_model_is_served_again_when_its_server_had_died(state: Path, model_of: ModelOf) -> None:
    first = roll_out(model_of("linear"), "iris", state)
    psutil.Process(local_server.status(state / "iris")["pid"]).kill()
    with pytest.raises(ServingError, match=r"is served again, at http://127\.0\.0\.1"):
        roll_out(model_of("process_id"), "iris", state)
    assert client(state).get("/model").json["content"] == first.content


def test_roll_outs_under_load_lose_no_request(state: Path, model_of: ModelOf) -> None:
    roll_out(model_of("linear"), "iris", state)

    async def roll_out_under_load() -> LoadGenerator:
        async with LoadGenerator(client(state).port, {"records": [ROW]}, 4) as load:
            await asyncio.to_thread(roll_out, model_of("forest"), "iris", state)
            with pytest.raises(ServingError):
                await asyncio.to_thread(roll_out, model_of("process_id"), "iris", state)
        return load

    outcome = asyncio.run(roll_out_under_load()).outcome
    assert set(outcome.statuses) == {200}
    assert len(outcome.models) == 2


def test_one_roll_out_at_a_time(state: Path, model_of: ModelOf) -> None:
    (state / "iris").mkdir(parents=True)
    with (state / "iris" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServingError, match="another roll-out of 'iris' is under way") as caught:
            roll_out(model_of("linear"), "iris", state)
    assert getattr(caught.value, "temporary", False)


def test_another_process_with_the_same_pid_is_not_the_server(state: Path, model_of: ModelOf) -> None:
    first = roll_out(model_of("linear"), "iris", state)
    result = state / "iris" / "server.json"
    local_server.stop(state / "iris")
    port = int(first.url.rsplit(":", 1)[1])
    result.write_text(json.dumps({"pid": os.getpid(), "created": 1.0, "host": "127.0.0.1", "port": port}))
    assert local_server.find_running(state / "iris") is None
    assert roll_out(model_of("linear"), "iris", state).url == first.url


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "x" * 65])
def test_invalid_names(name: str, state: Path, model_of: ModelOf) -> None:
    with pytest.raises(ServingError, match="cannot be the name of a deployment"):
        roll_out(model_of("linear"), name, state)


def test_ports(state: Path, model_of: ModelOf) -> None:
    port = free_port()
    assert roll_out(model_of("linear"), "iris", state, port=port).url == f"http://127.0.0.1:{port}"
    with pytest.raises(ServingError, match="another program has it"):
        roll_out(model_of("linear"), "other", state, port=port)
    with pytest.raises(ServingError, match=f"is served at http://127.0.0.1:{port}, not at port 1"):
        roll_out(model_of("forest"), "iris", state, port=1)


def test_the_server_outlives_the_process_that_started_it(state: Path, model_of: ModelOf) -> None:
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.serving.process.rollout import roll_out;"
        "print(roll_out(Path(sys.argv[1]), 'iris', Path(sys.argv[2])).url)"
    )
    command = [sys.executable, "-c", program, str(model_of("linear")), str(state)]
    environment = {**os.environ, "AIRFLOW__CORE__FERNET_KEY": "a secret"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    server = psutil.Process(local_server.status(state / "iris")["pid"])
    assert os.getsid(server.pid) == server.pid
    assert not [name for name in server.environ() if name.startswith("AIRFLOW")]
    assert client(state).get("/health").status == 200


def test_a_sample_that_does_not_fit(state: Path, model_of: ModelOf) -> None:
    with pytest.raises(ServingError, match="the sample does not fit the model: the column"):
        roll_out(model_of("linear"), "iris", state, rows=[{"colour": "blue"}])


def test_deployment_json_holds_the_deployment(state: Path, model_of: ModelOf) -> None:
    first = roll_out(model_of("linear"), "iris", state)
    assert Deployment(**json.loads((state / "iris" / "deployment.json").read_text())) == first
    assert (state / "iris").stat().st_mode & 0o777 == 0o700


def test_log_lines_and_stop(state: Path, model_of: ModelOf) -> None:
    with pytest.raises(ServingError, match="no server has run"):
        local_server.log_lines(state / "iris")
    roll_out(model_of("linear"), "iris", state)
    assert any('"event": "serving"' in line for line in local_server.log_lines(state / "iris"))
    assert len(local_server.log_lines(state / "iris", 1)) == 1
    local_server.stop(state / "iris")
    with pytest.raises(ServingError, match="no server runs"):
        local_server.stop(state / "iris")
    with pytest.raises(ServingError, match="no server runs"):
        local_server.status(state / "iris")
