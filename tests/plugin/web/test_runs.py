"""The picture of a DAG, its runs live in it, and what a step has done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache

import httpx
import pytest

from tests.plugin.site import Run, Site

GRAPH = "/mlcraft/api/dags/greetings/graph"


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client


@pytest.fixture(scope="module")
def failed(client: httpx.Client) -> Run:
    """One of two items of a scatter fails."""
    run = Run(client, "greetings", {"people": ["Ada", "Nobody"]})
    run.ended()
    return run


@pytest.fixture(scope="module")
def succeeded(client: httpx.Client) -> Run:
    run = Run(client, "greetings", {"people": ["Ada", "Bob"], "count": True})
    run.ended()
    return run


def test_the_picture(client: httpx.Client) -> None:
    found = client.get(GRAPH).json()
    assert (found["title"], found["path"], found["can_edit"]) == ("Greetings", "greetings.cwl", True)
    nodes = {node["key"]: node for node in found["graph"]["nodes"]}
    assert list(nodes) == [
        "input:people",
        "input:count",
        "step:greet",
        "step:counting",
        "output:greetings",
        "output:lines",
    ]
    greet = nodes["step:greet"]
    assert greet["scatter"] == ["person"]
    assert {"id": "person", "type": "string[]", "scattered": True} in greet["inputs"]
    assert greet["outputs"] == [{"id": "text", "type": "File[]"}]
    assert greet["position"] == {"x": 200, "y": 50}
    assert greet["task"] == {"task_id": "greet", "items_task_id": "greet.items"}
    counting = nodes["step:counting"]
    assert counting["when"] == "$(inputs.count)"
    (inside,) = [node for node in counting["inside"]["nodes"] if node["kind"] == "step"]
    assert (inside["key"], inside["position"]) == ("counting/step:lines", {"x": 30, "y": 40})
    edges = {(edge["from"]["node"], edge["to"]["node"]) for edge in found["graph"]["edges"]}
    assert ("step:greet", "step:counting") in edges
    inputs = {port["id"]: port for port in found["run_inputs"]}
    assert (inputs["people"]["type"], inputs["people"]["optional"]) == ("string[]", False)
    assert inputs["count"]["default"] is False


def test_a_dag_of_something_else_has_no_picture(client: httpx.Client) -> None:
    answer = client.get("/mlcraft/api/dags/nothing/graph")
    assert answer.status_code == 404
    assert "There is no DAG nothing" in answer.json()["detail"]


def test_all_green(succeeded: Run) -> None:
    state = succeeded.state()
    assert state["state"] == "success"
    steps = state["steps"]
    assert set(steps) == {"step:greet", "step:counting", "counting/step:lines"}
    assert {step["state"] for step in steps.values()} == {"success"}
    assert steps["step:greet"]["counts"] == {"success": 2}
    assert steps["step:greet"]["start"] < steps["step:greet"]["end"]


def test_a_failed_item_is_named_by_its_value(failed: Run) -> None:
    state = failed.state()
    steps = state["steps"]
    assert state["state"] == "failed"
    assert steps["step:greet"]["counts"] == {"success": 1, "failed": 1}
    assert steps["step:greet"]["state"] == "failed"
    assert steps["step:greet"]["failed"] == [{"mapIndex": 1, "label": "1 · Nobody"}]
    assert steps["step:counting"]["state"] in ("upstream_failed", "skipped")


def test_a_step_that_waits_for_a_person(client: httpx.Client, site: Site) -> None:
    """Airflow 3.3 has a state for it; so may a later one have for something else."""
    run = Run(client, "greetings", {"people": ["Ada", "Bob"]})
    run.ended()
    for state in ("awaiting_input", "of_a_later_airflow"):
        with closing(sqlite3.connect(site.home / "airflow.db", timeout=60)) as database, database:
            database.execute(
                "UPDATE task_instance SET state = ? WHERE run_id = ? AND task_id = 'greet' AND map_index = 1",
                (state, run.run_id),
            )
        steps = run.state()["steps"]
        assert steps["step:greet"]["state"] == state
        assert steps["step:greet"]["counts"] == {"success": 1, state: 1}


def test_what_an_item_has_done(succeeded: Run) -> None:
    details = succeeded.step("step:greet", map_index=1)
    assert [item["label"] for item in details["items"]] == ["0 · Ada", "1 · Bob"]
    assert details["inputs"] == {"person": "Bob"}
    (file,) = details["outputs"].values()
    assert (file["basename"], file["size"]) == ("greeting.txt", len("Hello Bob\n"))
    assert file["checksum"].startswith("md5$")
    assert "Bob Hello" in " ".join(details["command"].replace("\\\n", " ").split())
    assert "greet took" in details["log_tail"]
    assert details["links"]["task"].endswith("/tasks/greet/mapped/1")


def test_a_whole_scatter_and_a_sub_workflow(succeeded: Run) -> None:
    whole = succeeded.step("step:greet")
    assert whole["inputs"] == {"person": ["Ada", "Bob"]}
    assert [file["basename"] for file in whole["outputs"]["text"]] == ["greeting.txt"] * 2
    group = succeeded.step("step:counting")
    assert group["outputs"]["lines"]["basename"] == "lines.txt"
    assert succeeded.step("counting/step:lines")["inputs"]["texts"]


def test_the_log_says_why_an_item_failed(failed: Run) -> None:
    details = failed.step("step:greet", map_index=1)
    assert "the tool of greet failed with exit code 1" in details["log_tail"]
    assert details["outputs"] is None


def test_steps_in_one_task_have_states_of_their_own(client: httpx.Client) -> None:
    graph = client.get("/mlcraft/api/dags/fused/graph").json()["graph"]
    (outer,) = [node for node in graph["nodes"] if node["kind"] == "step"]
    assert outer["key"] == "step:outer", "not the step around all others"
    run = Run(client, "fused", {"people": ["Ada", "Nobody"]})
    steps = run.ended()["steps"]
    assert set(steps) == {"step:outer", "outer/step:greet"}
    assert steps["outer/step:greet"]["counts"] == {"success": 1, "failed": 1}
    assert steps["step:outer"]["state"] == steps["outer/step:greet"]["state"] == "failed"
    assert [item["label"] for item in run.step("outer/step:greet")["items"]] == ["0", "1"]


def test_what_a_step_in_one_task_has_done(client: httpx.Client) -> None:
    run = Run(client, "fused", {"people": ["Ada", "Bob"]})
    assert run.ended()["state"] == "success"
    details = run.step("outer/step:greet", map_index=1)
    assert (details["state"], details["inputs"]) == ("success", {"person": "Bob"})
    assert details["outputs"]["line"]["basename"] == "line.txt"
    assert "Bob" in details["command"] and "Ada" not in details["log_tail"]
    assert details["links"]["task"].endswith("/tasks/steps")


def test_a_step_that_is_not_there(client: httpx.Client, succeeded: Run) -> None:
    assert client.get(f"{succeeded.url}/steps/step:nothing").status_code == 404
    assert client.get(f"{succeeded.url}/steps/nonsense").status_code == 404


def test_a_hostile_document_is_data_and_nothing_else(site: Site, client: httpx.Client) -> None:
    answer = client.get("/mlcraft/api/dags/hostile/graph")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = answer.json()
    assert found["title"] == '<script>alert("label")</script>'
    (step,) = [node for node in found["graph"]["nodes"] if node["kind"] == "step"]
    assert step["id"] == "<b onclick=alert(1)>step"
    assert step["label"] == "{{ 7 * 7 }}<script>alert('tool')</script>"
    listed = client.get("/mlcraft/api/documents")
    assert listed.headers["content-type"] == "application/json"
    run = Run(client, "hostile", {})
    state = run.ended()
    assert state["state"] == "success"
    details = run.step(step["key"])
    assert details["links"]["mlflow"] is None
    assert 'javascript:alert("default")' in details["command"]


@cache
def _uploaded(site: Site) -> dict[str, object]:
    with site.client() as client:
        answer = client.post("/mlcraft/api/dags/greetings/files", params={"name": "a b.txt"}, content=b"some words\n")
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_an_uploaded_file_is_an_object_of_the_store(site: Site) -> None:
    file = _uploaded(site)
    assert (file["class"], file["basename"], file["size"]) == ("File", "a b.txt", 11)
    with site.client() as client:
        form = client.post("/mlcraft/api/dags/greetings/files", files={"file": ("c.txt", b"some words\n")}).json()
    assert (form["basename"], form["location"]) == ("c.txt", file["location"])


def test_an_upload_has_a_limit_and_a_name(client: httpx.Client) -> None:
    url = "/mlcraft/api/dags/greetings/files"
    assert client.post(url, params={"name": "large"}, content=b"x" * 100_001).status_code == 413
    assert client.post(url, params={"name": "large"}, content=iter([b"x" * 60_000] * 2)).status_code == 413
    assert client.post(url, files={"file": ("large", b"x" * 200_001)}).status_code == 413
    for name in ("", "..", "/", "a\nb"):
        assert client.post(url, params={"name": name}, content=b"x").status_code == 422
    assert client.post(url, params={"name": "../../x.txt"}, content=b"x").json()["basename"] == "x.txt"
