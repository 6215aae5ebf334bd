"""Our server against `mlflow models serve`: the same model folder, one worker each, the same requests, in turn.

The client runs on the same machine, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow_mlcraft.serving.admin import tell
from bench.measure import ROOT, Figure, median
from bench.postgres import free_port

ROUNDS = 3
SECONDS = 5.0
CLIENTS = 8
BATCH = 1000
SWAPS = 10
WAITING = 64
START = 120.0
_BIN = Path(sys.executable).parent


def figures() -> list[Figure]:
    """Requests a second and the slowest hundredth, for two models and two sizes; swaps; too many clients."""
    made: list[Figure] = []
    with TemporaryDirectory(prefix="bench-serving-") as name:
        folder = Path(name)
        models = make_models(folder)
        for label, least in (("linear model", "≥ 5"), ("forest of 100 trees", "≥ 3")):
            made += _against_mlflow(folder, models[label], label, 1, least)
            made += _against_mlflow(folder, models[label], label, BATCH, "≥ 1.5")
        made.append(_swapped(folder, models))
        made.append(_overloaded(folder, models["forest of 100 trees"]))
    return made


def make_models(folder: Path) -> dict[str, Path]:
    from sklearn.compose import make_column_transformer
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from skops import io

    from airflow_mlcraft.tracking.model_folder import write_model

    frame, target = load_breast_cancer(return_X_y=True, as_frame=True)
    frame = frame.iloc[:, :10]
    estimators = {
        "linear model": LogisticRegression(max_iter=1000),
        "forest of 100 trees": RandomForestClassifier(100, random_state=0),
    }
    made = {}
    for label, estimator in estimators.items():
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        pipeline = make_pipeline(make_column_transformer((numbers, list(frame.columns))), estimator)
        pipeline.fit(frame, target)
        file = folder / f"{label}.skops"
        io.dump(pipeline, file)
        made[label] = write_model(folder / label, file, frame, pipeline.predict(frame))
    return made


def _against_mlflow(folder: Path, model: Path, label: str, rows: int, least: str) -> list[Figure]:
    body = request_body(model, rows)
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "mlflow": []}
    with serve_ours(folder, model) as ours, _mlflow(folder, model) as theirs:
        for _ in range(ROUNDS):
            for side, port in (("ours", ours), ("mlflow", theirs)):
                measured = _load(port, body, SECONDS)
                assert set(measured["statuses"]) == {"200"}, measured
                found[side].append(measured)
    what = f"{label}, {'one row' if rows == 1 else f'{rows} rows'} a request, {CLIENTS} at once"

    def of(side: str, key: str) -> float:
        return median([measured[key] for measured in found[side]])

    made = [
        Figure(
            f"{what}: requests a second / those of mlflow",
            of("ours", "requests") / of("mlflow", "requests"),
            least,
            f"{of('ours', 'requests'):.0f} / {of('mlflow', 'requests'):.0f}",
        )
    ]
    if rows == 1:
        made.append(
            Figure(
                f"{what}: p99 / that of mlflow",
                of("ours", "p99") / of("mlflow", "p99"),
                "≤ 0.4",
                f"{of('ours', 'p99'):.1f} ms / {of('mlflow', 'p99'):.1f} ms",
            )
        )
    return made


def _swapped(folder: Path, models: dict[str, Path]) -> Figure:
    """Requests without a right answer while the model is swapped again and again."""
    labels = list(models)
    with serve_ours(folder, models[labels[0]]) as port:
        client = start_client(port, request_body(models[labels[0]], 1), 10.0)
        for number in range(SWAPS):
            content = tell(folder / "state", {"do": "prepare", "model": str(models[labels[(number + 1) % 2]])})
            tell(folder / "state", {"do": "commit", "content": content})
            tell(folder / "state", {"do": "confirm"})
        assert client.poll() is None
        measured = result_of(client)
    wrong = sum(count for status, count in measured["statuses"].items() if status != "200")
    asked = sum(measured["statuses"].values())
    return Figure(f"errors while the model is swapped {SWAPS} times under load", wrong, "0", f"of {asked} requests")


def _overloaded(folder: Path, model: Path) -> Figure:
    """Four times the clients that may wait, each with a thousand rows: all get a prediction or a refusal."""
    with serve_ours(folder, model, "--max-waiting", str(WAITING)) as port:
        measured = result_of(start_client(port, request_body(model, BATCH), 20.0, 4 * WAITING), seconds=90.0)
    counts = dict(measured["statuses"])
    answered = counts.pop("200", 0)
    refused = counts.pop("429", 0) + counts.pop("503", 0)
    return Figure(
        f"{4 * WAITING} clients where {WAITING} may wait, {BATCH} rows each: neither answered nor refused",
        sum(counts.values()),
        "0",
        f"{answered} answered, {refused} refused, the slowest hundredth {measured['p99'] / 1000:.1f} s",
    )


def request_body(model: Path, rows: int) -> bytes:
    split = json.loads((model / "serving_input_example.json").read_text())["dataframe_split"]
    data = (split["data"] * (rows // len(split["data"]) + 1))[:rows]
    return json.dumps({"dataframe_split": {"columns": split["columns"], "data": data}}).encode()


def start_client(port: int, body: bytes, seconds: float, clients: int = CLIENTS) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.http_load", str(port), "/invocations", str(clients), str(seconds)]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert client.stdin is not None
    client.stdin.write(body)
    client.stdin.close()
    return client


def result_of(client: subprocess.Popen[bytes], seconds: float | None = None) -> dict[str, Any]:
    # Its input is closed already, which `communicate` would try to flush.
    client.stdin = None
    said, _ = client.communicate(timeout=seconds)
    assert client.returncode == 0
    found: dict[str, Any] = json.loads(said)
    return found


def _load(port: int, body: bytes, seconds: float) -> dict[str, Any]:
    return result_of(start_client(port, body, seconds))


@contextmanager
def serve_ours(folder: Path, model: Path, *options: str) -> Iterator[int]:
    port = free_port()
    (folder / "state").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "airflow_mlcraft.serving", "--model", str(model), "--port", str(port)]
    with _running([*command, "--state", str(folder / "state"), *options], folder, port, "/health/ready"):
        yield port


@contextmanager
def _mlflow(folder: Path, model: Path) -> Iterator[int]:
    port = free_port()
    command = [str(_BIN / "mlflow"), "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    with _running([*command, "--port", str(port), "--workers", "1"], folder, port, "/health"):
        yield port


@contextmanager
def _running(command: list[str], folder: Path, port: int, health: str) -> Iterator[None]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{_BIN}:{os.environ['PATH']}"}
    log = (folder / f"{port}.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=folder, start_new_session=True)
    try:
        deadline = time.monotonic() + START
        while not _answers(port, health):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit((folder / f"{port}.log").read_text()[-3000:])
            time.sleep(0.2)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()
        shutil.rmtree(folder / "log", ignore_errors=True)


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
