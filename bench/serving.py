"""Our server against others: the same pipeline, one worker each, the same rows, in turn.

All predictions are compared before the measurements. MLflow's scoring server has the same model folder. BentoML,
MLServer and a plain route of FastAPI have the pipeline in environments of their own (bench/serving_peers.py). The
clients run on the same machine, in one process of their own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow_mlcraft.serving.process.control_socket import send_command
from bench.measure import Figure, median
from bench.serving_load import CLIENTS, INVOCATIONS, post, result_of, serve_mlflow, serve_ours, start_client
from bench.serving_models import (
    FOREST,
    LINEAR,
    MIXED,
    MIXED_TABLE,
    NUMBERS,
    ServedModel,
    mixed_models,
    numeric_models,
)
from bench.serving_peers import PEERS, Peer, UnavailableError

ROUNDS = int(os.environ.get("MLCRAFT_BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("MLCRAFT_BENCH_SECONDS", "2.5"))
BATCH = 1000
SWAPS = 10
WAITING = 64
OURS, MLFLOW = "ours", "mlflow"
_AIMS = {(LINEAR, 1): "≥ 5", (FOREST, 1): "≥ 3", (MIXED[0], BATCH): "≥ 10", (MIXED[1], BATCH): "≥ 5"}
_LEAST, _PEER = "≥ 1.5", "≥ 3"
_P99 = "≤ 0.4"


@dataclass(frozen=True)
class _RunningServer:
    """A running server, and the request for it."""

    port: int
    body: Callable[[int], bytes]
    path: str = INVOCATIONS
    predictions: Callable[[Any], list[Any]] = lambda answer: list(answer["predictions"])


def figures() -> list[Figure]:
    """The figures: requests a second and the slowest hundredth, by model, size and server; workers; swaps; overload."""
    made: list[Figure] = []
    with TemporaryDirectory(prefix="bench-serving-") as name:
        folder = Path(name)
        numeric, mixed = numeric_models(folder), mixed_models(folder)
        for label, served in numeric.items():
            made += _compare(folder, served, f"{label} on {NUMBERS}", {})
        peers = _install_peers()
        for label, served in mixed.items():
            made += _compare(folder, served, f"{label} on {MIXED_TABLE}", peers)
        made += [_two_workers(folder, served, label) for label, served in mixed.items()]
        made.append(_swapped(folder, numeric))
        made.append(_overloaded(folder, numeric[FOREST]))
    return made


def _install_peers() -> dict[str, Peer | str]:
    """The installed peers by name and version; for others the reason why they cannot be installed."""
    found: dict[str, Peer | str] = {}
    for peer in PEERS:
        try:
            found[f"{peer.name} {peer.install()}"] = peer
        except UnavailableError as error:
            found[peer.name] = str(error)
    return found


def _compare(folder: Path, served: ServedModel, what: str, peers: Mapping[str, Peer | str]) -> list[Figure]:
    figures = []
    broken: dict[str, str] = {}
    with ExitStack() as stack:
        sides = {
            OURS: _RunningServer(stack.enter_context(serve_ours(folder, served.folder)), served.body),
            MLFLOW: _RunningServer(stack.enter_context(serve_mlflow(folder, served.folder)), served.body),
        }
        expected = {rows: _predict(sides[MLFLOW], rows) for rows in (1, BATCH)}
        for rows, predictions in expected.items():
            assert _predict(sides[OURS], rows) == predictions, (
                f"{what}: our answers to {rows} rows are not those of MLflow"
            )
        for name, peer in peers.items():
            if isinstance(peer, str):
                broken[name] = peer
                continue
            try:
                port = stack.enter_context(peer.serve(folder, served.folder))
                side = _RunningServer(port, partial(peer.request, served), peer.path, peer.predictions)
                if any(_predict(side, rows) != predictions for rows, predictions in expected.items()):
                    raise UnavailableError("its answers are not those of MLflow")
            except (UnavailableError, OSError, LookupError, subprocess.CalledProcessError) as error:
                broken[name] = str(error)
                continue
            sides[name] = side
        for rows in expected:
            figures += _measured(sides, what, rows)
    figures += [Figure(f"{what}: {name} is not measured", float("nan"), "", why) for name, why in broken.items()]
    return figures


def _predict(side: _RunningServer, rows: int) -> list[Any]:
    return side.predictions(post(side.port, side.path, side.body(rows)))


def _measured(sides: Mapping[str, _RunningServer], what: str, rows: int) -> list[Figure]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    bodies = {name: side.body(rows) for name, side in sides.items()}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            measured = result_of(start_client(side.port, bodies[name], SECONDS, path=side.path))
            assert set(measured["statuses"]) == {"200"}, (name, measured)
            found[name].append(measured)
    detail = f"{what}, {'one row' if rows == 1 else f'{rows} rows'} a request, {CLIENTS} at once"

    def of(name: str, key: str) -> float:
        return median([measured[key] for measured in found[name]])

    figures = []
    for name in list(sides)[1:]:
        ours, theirs = of(OURS, "requests"), of(name, "requests")
        aim = _AIMS.get((what.partition(" on ")[0], rows), _LEAST) if name == MLFLOW else _PEER
        figures.append(
            Figure(f"{detail}: requests a second / those of {name}", ours / theirs, aim, f"{ours:.0f} / {theirs:.0f}")
        )
        if rows == 1:
            ours, theirs = of(OURS, "p99"), of(name, "p99")
            aim = _P99 if name == MLFLOW else "≤ 1"
            figures.append(
                Figure(f"{detail}: p99 / that of {name}", ours / theirs, aim, f"{ours:.1f} ms / {theirs:.1f} ms")
            )
    return figures


def _two_workers(folder: Path, served: ServedModel, label: str) -> Figure:
    """Large requests, so that the servers and not the clients need the cores."""
    found: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack:
        ports = {}
        for workers in found:
            place = folder / f"{label}-workers-{workers}"
            place.mkdir()
            ports[workers] = stack.enter_context(serve_ours(place, served.folder, "--workers", str(workers)))
        for _ in range(ROUNDS):
            for workers, port in ports.items():
                measured = result_of(start_client(port, served.body(BATCH), SECONDS))
                assert set(measured["statuses"]) == {"200"}, measured
                found[workers].append(measured["requests"])
    one, two = median(found[1]), median(found[2])
    return Figure(
        f"{label} on {MIXED_TABLE}, {BATCH} rows a request, {CLIENTS} at once, {os.cpu_count()} cores that the clients "
        "share: requests a second of two workers / of one",
        two / one,
        "≥ 1",
        f"{two:.0f} / {one:.0f}",
    )


def _swapped(folder: Path, models: Mapping[str, ServedModel]) -> Figure:
    """Requests without a correct response while the model is swapped repeatedly."""
    places = [served.folder for served in models.values()]
    with serve_ours(folder, places[0]) as port:
        client = start_client(port, models[LINEAR].body(1), 10.0)
        for number in range(SWAPS):
            content = send_command(folder / "state", {"do": "prepare", "model": str(places[(number + 1) % 2])})
            send_command(folder / "state", {"do": "commit", "content": content})
            send_command(folder / "state", {"do": "confirm"})
        assert client.poll() is None
        measured = result_of(client)
    failures = sum(count for status, count in measured["statuses"].items() if status != "200")
    requests = sum(measured["statuses"].values())
    return Figure(
        f"errors while {LINEAR} and {FOREST} on {NUMBERS} are swapped {SWAPS} times under load",
        failures,
        "0",
        f"of {requests} requests",
    )


def _overloaded(folder: Path, served: ServedModel) -> Figure:
    """Four times as many clients as may wait, each with a thousand rows: each gets a prediction or a refusal."""
    with serve_ours(folder, served.folder, "--max-waiting", str(WAITING)) as port:
        client = start_client(port, served.body(BATCH), 20.0, clients=4 * WAITING)
        measured = result_of(client, seconds=90.0)
    counts = dict(measured["statuses"])
    answered = counts.pop("200", 0)
    refused = counts.pop("429", 0) + counts.pop("503", 0)
    return Figure(
        f"{FOREST} on {NUMBERS}, {4 * WAITING} clients where {WAITING} may wait, {BATCH} rows each: "
        "neither answered nor refused",
        sum(counts.values()),
        "0",
        f"{answered} answered, {refused} refused, the slowest hundredth {measured['p99'] / 1000:.1f} s",
    )
