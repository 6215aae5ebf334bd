"""Somebody who may only start runs, on a server: nothing of his own runs there, and nothing of the server's leaves it.

docs/security.md names these tests beside its sentences.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from airflow_mlcraft.project.user_dirs import find_shipped
from tests.operators.embedded import DOCUMENTS
from tests.plugin.site import Run, Site, wait_until
from tests.steps.sources.file_server import FileServer

CODE = """
from pathlib import Path
Path({place!r}).touch()
def retrieve(sources, fetch):
    return fetch("sklearn:iris")
"""
LITERAL = {"class": "File", "basename": "zz.py", "contents": "raise SystemExit"}
READS = """
cwlVersion: v1.2
class: CommandLineTool
inputs:
  file: {type: File, inputBinding: {}}
outputs:
  said: {type: File, outputBinding: {glob: said.txt}}
baseCommand: cat
stdout: said.txt
"""
TABLE = "a,b,c\n" + "".join(f"{number},{number % 5},{number % 2}\n" for number in range(60))
WITH_CODE = """
cwlVersion: v1.2
class: Workflow
inputs:
  code: {type: File, default: {class: File, location: own.py}}
  source: {type: string, default: "sklearn:wine"}
outputs:
  data: {type: File, outputSource: retrieve/data}
steps:
  retrieve:
    run: retrieve.cwl
    in: {code: code, source: source}
    out: [data]
"""


@dataclass
class FinishedRun:
    """A run that has ended, and what its tasks have logged."""

    state: str
    log: str
    run_id: str


class LimitedUser:
    """A user who may start runs, and do nothing else."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self.site = site
        self.client = client

    def start(self, dag_id: str, conf: dict[str, Any]) -> FinishedRun:
        run = Run(self.client, dag_id, conf)
        state = run.ended()["state"]
        folder = self.site.home / "logs" / f"dag_id={dag_id}" / f"run_id={run.run_id}"
        log = "\n".join(path.read_text() for path in sorted(folder.rglob("*.log")))
        return FinishedRun(state, log, run.run_id)

    def upload(self, dag_id: str, name: str, content: str) -> dict[str, Any]:
        answer = self.client.post(f"/mlcraft/api/dags/{dag_id}/files", params={"name": name}, content=content.encode())
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="module")
def limited_user(site: Site) -> Iterator[LimitedUser]:
    folder = site.documents / "safe"
    folder.mkdir()
    shutil.copyfile(find_shipped("tools", "retrieve.cwl"), folder / "retrieve.cwl")
    (folder / "reads.cwl").write_text(READS)
    (folder / "with_code.cwl").write_text(WITH_CODE)
    (folder / "own.py").write_text(CODE.format(place=str(site.home / "code of the document")))
    (site.home / "secret.txt").write_text("hunter2")
    (site.home / "secret.csv").write_text(TABLE.replace("b,c", "hunter2,c"))
    tools = folder / "tools"
    shutil.copytree(find_shipped("tools"), tools, ignore=shutil.ignore_patterns("retrieve.cwl"))
    shutil.copyfile(folder / "retrieve.cwl", tools / "retrieve.cwl")
    learning = (DOCUMENTS / "learning.cwl").read_text().replace("../../cwl/tools", "tools")
    (folder / "learning.cwl").write_text(learning)
    with site.client("admin") as admin:
        connection = {"connection_id": "warehouse", "conn_type": "http", "password": "hunter2"}
        admin.post("/api/v2/connections", json=connection)
        wanted = {"safe.retrieve", "safe.reads", "safe.with_code", "safe.learning"}
        wanted |= {"safe.tools.process", "safe.tools.serve"}

        def are_listed() -> bool:
            return wanted <= {dag["dag_id"] for dag in admin.get("/api/v2/dags?limit=200").json()["dags"]}

        wait_until(are_listed, "the DAGs of the documents")
    with site.client("user") as client:
        yield LimitedUser(site, client)


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def test_a_run_cannot_write_outside_of_its_folder(limited_user: LimitedUser) -> None:
    up = "../" * 12 + str(limited_user.site.home / "dags").lstrip("/")
    file = limited_user.upload("safe.reads", "a.txt", "a")
    file["secondaryFiles"] = [{"class": "Directory", "basename": up, "listing": [LITERAL]}]
    run = limited_user.start("safe.reads", {"file": file})
    assert run.state == "failed"
    assert "cannot be the name of a file" in run.log
    assert not list(limited_user.site.home.rglob("zz.py"))


def test_a_run_cannot_bring_requirements(limited_user: LimitedUser) -> None:
    there = limited_user.site.home / "escaped"
    script = f"$(process.mainModule.require('fs').writeFileSync({str(there)!r}, 'x'))"
    requirements = [
        {"class": "InlineJavascriptRequirement"},
        {"class": "InitialWorkDirRequirement", "listing": [script]},
    ]
    file = limited_user.upload("safe.reads", "a.txt", "a")
    run = limited_user.start("safe.reads", {"file": file, "cwl:requirements": requirements})
    assert run.state == "failed"
    assert "allow_job_requirements" in run.log
    assert not there.exists()


def test_a_run_cannot_bring_code(limited_user: LimitedUser) -> None:
    there = limited_user.site.home / "code of a run"
    code = limited_user.upload("safe.retrieve", "own.py", CODE.format(place=str(there)))
    literal = {"class": "File", "basename": "own.py", "contents": CODE.format(place=str(there))}
    for file in (code, literal):
        run = limited_user.start("safe.retrieve", {"source": "sklearn:iris", "code": file})
        assert run.state == "failed"
        assert "run_code" in run.log
    assert not there.exists()


def test_the_code_of_a_document_runs(limited_user: LimitedUser) -> None:
    run = limited_user.start("safe.with_code", {})
    assert run.state == "success", run.log
    assert (limited_user.site.home / "code of the document").exists()


def test_a_run_cannot_send_a_secret_away(limited_user: LimitedUser, file_server: FileServer) -> None:
    for conf in ({"key_env": "PATH"}, {"connection": "warehouse"}):
        run = limited_user.start("safe.retrieve", {"source": file_server.url(), **conf})
        assert run.state == "failed"
        assert "hunter2" not in run.log
    assert not file_server.requests


def test_a_run_cannot_use_a_connection(limited_user: LimitedUser) -> None:
    run = limited_user.start("safe.retrieve", {"source": "sql", "connection": "warehouse", "query": "select 1"})
    assert run.state == "failed"
    assert "allowed_connections" in run.log


def test_a_run_cannot_read_the_workers_files(limited_user: LimitedUser) -> None:
    secret = limited_user.site.home / "secret.txt"
    runs = [limited_user.start("safe.retrieve", {"source": str(secret)})]
    for file in (str(secret), {"class": "File", "location": secret.as_uri()}, {"class": "File", "path": str(secret)}):
        runs.append(limited_user.start("safe.reads", {"file": file}))
    for run in runs:
        assert run.state == "failed"
        assert "allowed_paths" in run.log
        assert "hunter2" not in run.log


def test_a_run_cannot_ask_private_addresses(limited_user: LimitedUser, file_server: FileServer) -> None:
    runs = [limited_user.start("safe.retrieve", {"source": file_server.url()})]
    runs.append(limited_user.start("safe.reads", {"file": {"class": "File", "location": file_server.url()}}))
    for run in runs:
        assert run.state == "failed"
        assert "not a public one" in run.log
    assert not file_server.requests


def test_a_text_in_a_list_is_no_way_to_name_a_file(limited_user: LimitedUser) -> None:
    """It may look like an option of the step."""
    data = limited_user.upload("safe.tools.process", "data.csv", TABLE)
    secret = str(limited_user.site.home / "secret.csv")
    run = limited_user.start("safe.tools.process", {"data": data, "target": "c", "drop": ["a"]})
    assert run.state == "success", run.log
    run = limited_user.start("safe.tools.process", {"data": data, "target": "c", "drop": ["a", "--data", secret]})
    assert run.state == "failed"
    assert "allowed_paths" in run.log


def test_a_run_cannot_name_a_folder_to_write_into(limited_user: LimitedUser) -> None:
    dags = limited_user.site.home / "dags"
    before = sorted(dags.rglob("*.py"))
    model = {"class": "Directory", "basename": "m", "listing": [{**LITERAL, "basename": "MLmodel"}, LITERAL]}
    run = limited_user.start("safe.tools.serve", {"model": model, "name": "zz", "state_folder": str(dags)})
    assert run.state == "failed"
    assert "a run may not write into" in run.log
    assert sorted(dags.rglob("*.py")) == before
    assert not (dags / "zz").exists()


def test_the_steps_of_machine_learning_need_no_setting(limited_user: LimitedUser) -> None:
    run = limited_user.start("safe.learning", {})
    assert run.state == "success", run.log


def test_an_uploaded_file_is_data(limited_user: LimitedUser) -> None:
    run = limited_user.start("safe.reads", {"file": limited_user.upload("safe.reads", "a.txt", "some words")})
    assert run.state == "success", run.log
    outputs = limited_user.site.home / "mlcraft" / "outputs" / "safe.reads"
    assert [path.read_text() for path in outputs.rglob("said.txt")] == ["some words"]


@pytest.mark.parametrize("name", ["..", ".", "a" * 256, "..\\..", "a\0b", "/"])
def test_an_uploaded_file_has_a_plain_name(limited_user: LimitedUser, name: str) -> None:
    answer = limited_user.client.post("/mlcraft/api/dags/safe.reads/files", params={"name": name}, content=b"x")
    assert answer.status_code == 422, name


def test_logs_hold_no_secret(limited_user: LimitedUser) -> None:
    for path in (Path(limited_user.site.home) / "logs").rglob("*.log"):
        assert "hunter2" not in path.read_text()
