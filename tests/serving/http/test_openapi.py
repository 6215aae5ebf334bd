"""The server conforms to its OpenAPI document, as tested by schemathesis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import LiveServer


@pytest.mark.parametrize("name", ["iris", "people_server"])
def test_schemathesis_finds_nothing(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server: LiveServer = request.getfixturevalue(name)
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", f"{server.url}/openapi.json"]
    command += ["--max-examples", "50", "--seed", "1", "--no-color", "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert '"trace"' not in server.log()


def test_rows_are_described_by_the_signature(people_server: LiveServer) -> None:
    document = people_server.get("/openapi.json").json
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["age", "city", "member"]
    assert row["additionalProperties"] is False
    assert row["properties"]["member"] == {"type": "boolean"}
    assert {"type": "null"} in row["properties"]["income"]["anyOf"]
