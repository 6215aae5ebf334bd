"""Documents are written, renamed, copied and removed, and Airflow's DAGs follow."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.plugin.site import Site, wait_until

API = "/mlcraft/api/documents"
TOOL = """\
# A comment
cwlVersion: v1.2
class: CommandLineTool
label: {label}
baseCommand: echo
inputs: []
outputs: []
"""


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client


def save_document(client: httpx.Client, path: str, text: str, base: str | None = None) -> dict[str, Any]:
    answer = client.put(f"{API}/{path}", json={"text": text, "base": base})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def title_of(client: httpx.Client, dag_id: str) -> str:
    shown = {dag["dag_id"]: dag["dag_display_name"] for dag in client.get("/api/v2/dags").json()["dags"]}
    return str(shown.get(dag_id, ""))


def test_a_document_is_a_dag_soon_after_it_is_saved(site: Site, client: httpx.Client) -> None:
    new = save_document(client, "made/new.cwl", TOOL.format(label="New"))
    assert new["dag_id"] == "made.new"
    assert new["problems"] == []
    assert (site.documents / "made" / "new.cwl").read_text() == TOOL.format(label="New")
    wait_until(lambda: title_of(client, "made.new") == "New", "the DAG of a new document")
    edited = save_document(client, "made/new.cwl", TOOL.format(label="Edited"), str(new["version"]))
    wait_until(lambda: title_of(client, "made.new") == "Edited", "the DAG of an edited document")
    assert client.delete(f"{API}/made/new.cwl", params={"base": edited["version"]}).status_code == 204
    assert "made.new" not in {dag["dag_id"] for dag in client.get("/api/v2/dags").json()["dags"]}
    again = save_document(client, "made/new.cwl", TOOL.format(label="Again"))
    wait_until(lambda: title_of(client, "made.new") == "Again", "the DAG of a document that is there again")
    client.delete(f"{API}/made/new.cwl", params={"base": again["version"]})


def test_all_dags_of_a_packed_document_go_with_it(site: Site, client: httpx.Client) -> None:
    beside = save_document(client, "pack/beside.cwl", TOOL.format(label="Beside"))
    tools = [
        {"id": name, "class": "CommandLineTool", "baseCommand": "true", "inputs": [], "outputs": []} for name in "ab"
    ]
    packed = save_document(client, "pack.cwl", json.dumps({"cwlVersion": "v1.2", "$graph": tools}))

    def dag_ids() -> set[str]:
        return {dag["dag_id"] for dag in client.get("/api/v2/dags", params={"limit": 100}).json()["dags"]}

    wait_until(lambda: {"pack.a", "pack.b", "pack.beside"} <= dag_ids(), "the DAGs of both processes")
    assert client.delete(f"{API}/pack.cwl", params={"base": str(packed["version"])}).status_code == 204
    assert {name for name in dag_ids() if name.startswith("pack")} == {"pack.beside", "pack.own"}
    client.delete(f"{API}/pack/beside.cwl", params={"base": str(beside["version"])})


def test_a_newer_version_is_never_overwritten(site: Site, client: httpx.Client) -> None:
    mine = save_document(client, "two.cwl", TOOL.format(label="One"))
    theirs = save_document(client, "two.cwl", TOOL.format(label="Two"), str(mine["version"]))
    answer = client.put(f"{API}/two.cwl", json={"text": TOOL.format(label="Three"), "base": mine["version"]})
    assert answer.status_code == 409
    assert answer.json()["text"] == TOOL.format(label="Two")
    assert answer.json()["version"] == theirs["version"]
    assert client.put(f"{API}/two.cwl", json={"text": "", "base": None}).status_code == 409
    assert client.delete(f"{API}/two.cwl", params={"base": mine["version"]}).status_code == 409
    answer = client.post(f"{API}/two.cwl/rename", json={"to": "three.cwl", "base": mine["version"]})
    assert answer.status_code == 409
    assert (site.documents / "two.cwl").read_text() == TOOL.format(label="Two")
    assert not (site.documents / "three.cwl").exists()


def test_of_many_saves_at_once_one_wins(site: Site) -> None:
    with site.client() as client:
        base = save_document(client, "many.cwl", TOOL.format(label="Start"))["version"]

        def save(number: int) -> int:
            body = {"text": TOOL.format(label=f"Number {number}"), "base": base}
            return client.put(f"{API}/many.cwl", json=body).status_code

        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(save, range(6))) == [200, 409, 409, 409, 409, 409]
    assert not list(site.documents.glob(".*.part"))


def test_a_broken_document_is_saved_and_says_what_is_wrong(client: httpx.Client) -> None:
    found = save_document(
        client, "broken.cwl", TOOL.format(label="Broken").replace("outputs: []", "outputs: {x: nonsense}")
    )
    (problem,) = found["problems"]
    assert "nonsense" in problem["message"]
    assert problem["line"] == 7
    errors = "/api/v2/importErrors"
    wait_until(lambda: "nonsense" in client.get(errors).text, "the import error of a broken document")
    save_document(client, "broken.cwl", TOOL.format(label="Mended"), str(found["version"]))
    wait_until(lambda: title_of(client, "broken") == "Mended", "the DAG of a mended document")
    assert "broken.cwl" not in {
        error["filename"].rpartition("/")[2] for error in client.get(errors).json()["import_errors"]
    }


def test_renaming_keeps_relative_references(site: Site, client: httpx.Client) -> None:
    text = (site.documents / "greetings.cwl").read_text()
    base = save_document(client, "before.cwl", text)["version"]
    answer = client.post(f"{API}/before.cwl/rename", json={"to": "deep/below/after.cwl", "base": base})
    assert answer.status_code == 200, answer.text
    assert answer.json()["problems"] == []
    assert not (site.documents / "before.cwl").exists()
    moved = (site.documents / "deep" / "below" / "after.cwl").read_text()
    assert moved == text.replace("run: tools/", "run: ../../tools/").replace("run: counting", "run: ../../counting")
    wait_until(lambda: title_of(client, "deep.below.after") == "Greetings", "the DAG under its new name")


def test_a_copy(site: Site, client: httpx.Client) -> None:
    answer = client.post(f"{API}/tools/greet.cwl/duplicate", json={"to": "tools/greet_again.cwl"})
    assert answer.status_code == 200
    assert (site.documents / "tools/greet_again.cwl").read_text() == (site.documents / "tools/greet.cwl").read_text()
    assert client.post(f"{API}/tools/greet.cwl/duplicate", json={"to": "other.cwl"}).status_code == 409


def test_a_shipped_workflow_comes_with_its_tools(site: Site, client: httpx.Client) -> None:
    answer = client.post(f"{API}/shipped:workflows/text_statistics.cwl/take")
    assert answer.status_code == 200, answer.text
    assert "tools/count_words.cwl" in answer.json()["brought"]
    assert answer.json()["problems"] == []
    assert (site.documents / "tools" / "count_words.cwl").is_file()
    listed = {entry["path"] for entry in client.get(API).json()}
    assert "shipped:tools/count_words.cwl" not in listed
    assert client.post(f"{API}/shipped:workflows/text_statistics.cwl/take").status_code == 409


def test_the_mode_of_a_file_stays(site: Site, client: httpx.Client) -> None:
    version = save_document(client, "mode.cwl", TOOL.format(label="Mode"))["version"]
    (site.documents / "mode.cwl").chmod(0o664)
    save_document(client, "mode.cwl", TOOL.format(label="Other"), str(version))
    assert stat.S_IMODE((site.documents / "mode.cwl").stat().st_mode) == 0o664


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_says_so(site: Site, client: httpx.Client) -> None:
    site.documents.chmod(0o555)
    try:
        me = client.get("/mlcraft/api/me").json()
        answer = client.put(f"{API}/refused.cwl", json={"text": "", "base": None})
    finally:
        site.documents.chmod(0o755)
    assert (me["writable"], answer.status_code) == (False, 403)
    assert "read-only" in me["why_not"]
    assert "refused.cwl cannot be changed" in answer.json()["detail"]


def test_what_is_no_text_is_not_saved(site: Site, client: httpx.Client) -> None:
    answer = client.put(
        f"{API}/surrogate.cwl",
        content=b'{"text": "\\ud800", "base": null}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert client.put(f"{API}/large.cwl", json={"text": "x" * 2_200_000, "base": None}).status_code == 413
    assert client.put(f"{API}/other.cwl/below.cwl", json={"text": "", "base": None}).status_code == 400
    assert client.put(f"{API}/tools.cwl/x", json={"text": "", "base": None}).status_code == 400
    assert not (site.documents / "surrogate.cwl").exists()


def test_who_has_changed_what_is_in_the_audit_log(site: Site) -> None:
    with site.client("user") as client:
        save_document(client, "audited.cwl", TOOL.format(label="Audited"))
    with site.client() as client:

        def list_audit_events() -> set[tuple[str, str, str]]:
            events = client.get("/api/v2/eventLogs", params={"dag_id": "audited"}).json()["event_logs"]
            return {(event["event"], event["owner"], event["extra"]) for event in events}

        # Airflow shows the log of a DAG once there is the DAG.
        wait_until(
            lambda: ("mlcraft_save_document", "user", "audited.cwl") in list_audit_events(),
            "the event in the audit log",
        )
