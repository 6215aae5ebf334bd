"""Fuzzing with ten thousand malformed bodies: each is refused, and the server keeps running."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import orjson

from tests.serving.conftest import LiveServer
from tests.serving.load import send_request
from tests.serving.models import NAMES, ROW

COUNT = 10_000
CLIENTS = 8
PATHS = ("/predict", "/invocations", "/v2/models/iris/infer")
ODD: tuple[Any, ...] = (
    None, True, -1, 0.5, 1e300, 2**63, "", "text", "\u0000", "\ud7ff", [], {}, [[]], [{}], {"": {}}, [None], ["a", 1],
    {"records": None}, {"data": [[1]]}, [[1, 2, 3, 4]] * 2,
    {"name": "x", "shape": [1], "datatype": "FP64", "data": [1]},
)  # fmt: skip
KEYS = (
    "records", "columns", "inputs", "instances", "dataframe_split", "dataframe_records", "data", "index", "params",
    "method", "id", "name", "shape", "datatype", "outputs", "__proto__", *NAMES,
)  # fmt: skip
RIGHT = {
    "/predict": {"records": [ROW]},
    "/invocations": {"dataframe_split": {"columns": NAMES, "data": [list(ROW.values())]}},
    "/v2/models/iris/infer": {
        "inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [1.0]} for name in NAMES]
    },
}


def _body(random_state: random.Random, path: str) -> tuple[bytes, str]:
    """A random body and its content type."""
    how = random_state.randrange(6)
    right = orjson.dumps(RIGHT[path])
    if how == 0:
        return random_state.randbytes(random_state.randrange(60)), random_state.choice(("application/json", "text/csv"))
    if how == 1:
        return right[: random_state.randrange(len(right))], "application/json"
    if how == 2:
        at = random_state.randrange(1, len(right) - 1)
        return right[:at] + bytes([random_state.choice(b'\x00\xff{}[]",:')]) + right[at:], "application/json"
    if how == 3:
        cells = [
            random_state.choice((*NAMES, '"', "1", "", "x", "\r", "NaN")) for _ in range(random_state.randrange(1, 12))
        ]
        return ",".join(cells).encode() + b"\n" + b",".join([b"1"] * random_state.randrange(5)), "text/csv"
    if how == 4:
        return orjson.dumps(
            {random_state.choice(KEYS): _value(random_state, 3) for _ in range(random_state.randrange(4))}
        ), "application/json"
    return orjson.dumps(_corrupt(random_state, RIGHT[path])), "application/json"


def _value(random_state: random.Random, depth: int) -> Any:
    if depth == 0 or random_state.random() < 0.4:
        return random_state.choice(ODD)
    if random_state.random() < 0.5:
        return [_value(random_state, depth - 1) for _ in range(random_state.randrange(4))]
    return {random_state.choice(KEYS): _value(random_state, depth - 1) for _ in range(random_state.randrange(4))}


def _corrupt(random_state: random.Random, value: Any) -> Any:
    """A valid body with one invalid value."""
    if isinstance(value, dict) and value and random_state.random() < 0.85:
        key = random_state.choice(list(value))
        return {**value, key: _corrupt(random_state, value[key])}
    if isinstance(value, list) and value and random_state.random() < 0.85:
        at = random_state.randrange(len(value))
        return [*value[:at], _corrupt(random_state, value[at]), *value[at + 1 :]]
    return random_state.choice(ODD)


def test_ten_thousand_malformed_bodies(iris: LiveServer) -> None:
    statuses, leaks = asyncio.run(_send_all(iris.port))
    assert sum(statuses.values()) == COUNT
    # Some are valid by chance: a number replaced by a number.
    assert set(statuses) <= {200, 400, 413, 415, 422}, statuses
    assert statuses[200] < COUNT / 5
    assert leaks == []
    assert '"trace"' not in iris.log()
    assert iris.post("/predict", {"records": [ROW]}).status == 200


async def _send_all(port: int) -> tuple[Counter[int], list[bytes]]:
    statuses: Counter[int] = Counter()
    leaks: list[bytes] = []

    async def client(seed: int) -> None:
        random_state = random.Random(seed)  # noqa: S311
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(COUNT // CLIENTS):
            path = random_state.choice(PATHS)
            body, kind = _body(random_state, path)
            status, answer = await send_request(reader, writer, path, body, kind)
            statuses[status] += 1
            if b"Traceback" in answer or b'File "' in answer or (status != 200 and b'"error"' not in answer):
                leaks.append(answer)
        writer.close()

    await asyncio.gather(*map(client, range(CLIENTS)))
    return statuses, leaks
