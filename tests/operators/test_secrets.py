"""A key that opens a source: it is sent to the source, and is nowhere in what a tracked run says and leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.project.user_dirs import find_shipped
from tests.operators.tracked import TrackedFolder
from tests.steps.sources.file_server import FileServer

KEY = "k-5f0c2a9d7e41"
WORKFLOW = """
cwlVersion: v1.2
class: Workflow
inputs: {{source: string, key_env: string}}
outputs: {{data: {{type: File, outputSource: retrieve/data}}}}
steps:
  retrieve:
    run: {tool}
    in: {{source: source, key_env: key_env}}
    out: [data, profile, record]
"""


@pytest.mark.parametrize("accepted", [True, False])
def test_a_key_is_in_no_log_no_record_and_not_in_mlflow(tmp_path: Path, accepted: bool) -> None:
    place = TrackedFolder(tmp_path / "run")
    document = tmp_path / "keyed.cwl"
    document.write_text(WORKFLOW.format(tool=find_shipped("tools", "retrieve.cwl").resolve()))
    with FileServer(key=("Authorization", f"Bearer {KEY if accepted else 'another'}")) as server:
        job = {"source": server.url(), "key_env": "AIRFLOW__MLCRAFT__A_KEY"}
        ran = place.run(str(document), job, settings={"tracking": "always", "a_key": KEY})
        assert ran.state == ("success" if accepted else "failed"), ran.error_messages()
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    runs = place.runs("keyed")
    assert {run.status for run in runs} == {"FINISHED" if accepted else "FAILED"}
    assert any(run.params.get("source") == job["source"] for run in runs)
    assert KEY not in str(ran)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "mlflow.db" for path in files)
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
