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
from tests.plugin.site import Run, Site, until
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
class Started:
    """A run that has ended, and what its tasks have logged."""

    state: str
    log: str
    run_id: str


class Person:
    """Starts runs, as somebody who may do nothing else."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self.site = site
        self.client = client

    def start(self, dag_id: str, conf: dict[str, Any]) -> Started:
        run = Run(self.client, dag_id, conf)
        state = run.ended()["state"]
        folder = self.site.home / "logs" / f"dag_id={dag_id}" / f"run_id={run.run_id}"
        log = "\n".join(path.read_text() for path in sorted(folder.rglob("*.log")))
        return Started(state, log, run.run_id)

    def upload(self, dag_id: str, name: str, content: str) -> dict[str, Any]:
        answer = self.client.post(f"/mlcraft/api/dags/{dag_id}/files", params={"name": name}, content=content.encode())
        assert answer.is_success, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="module")
def person(site: Site) -> Iterator[Person]:
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

        def there() -> bool:
            return wanted <= {dag["dag_id"] for dag in admin.get("/api/v2/dags?limit=200").json()["dags"]}

        until(there, "the DAGs of the documents")
    with site.client("user") as client:
        yield Person(site, client)


@pytest.fixture
def listening() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


def test_a_run_cannot_write_outside_of_its_folder(person: Person) -> None:
    up = "../" * 12 + str(person.site.home / "dags").lstrip("/")
    file = person.upload("safe.reads", "a.txt", "a")
    file["secondaryFiles"] = [{"class": "Directory", "basename": up, "listing": [LITERAL]}]
    run = person.start("safe.reads", {"file": file})
    assert run.state == "failed"
    assert "cannot be the name of a file" in run.log
    assert not list(person.site.home.rglob("zz.py"))


def test_a_run_cannot_bring_requirements(person: Person) -> None:
    there = person.site.home / "escaped"
    script = f"$(process.mainModule.require('fs').writeFileSync({str(there)!r}, 'x'))"
    requirements = [
        {"class": "InlineJavascriptRequirement"},
        {"class": "InitialWorkDirRequirement", "listing": [script]},
    ]
    file = person.upload("safe.reads", "a.txt", "a")
    run = person.start("safe.reads", {"file": file, "cwl:requirements": requirements})
    assert run.state == "failed"
    assert "allow_job_requirements" in run.log
    assert not there.exists()


def test_a_run_cannot_bring_code(person: Person) -> None:
    there = person.site.home / "code of a run"
    code = person.upload("safe.retrieve", "own.py", CODE.format(place=str(there)))
    literal = {"class": "File", "basename": "own.py", "contents": CODE.format(place=str(there))}
    for file in (code, literal):
        run = person.start("safe.retrieve", {"source": "sklearn:iris", "code": file})
        assert run.state == "failed"
        assert "run_code" in run.log
    assert not there.exists()


def test_the_code_of_a_document_runs(person: Person) -> None:
    run = person.start("safe.with_code", {})
    assert run.state == "success", run.log
    assert (person.site.home / "code of the document").exists()


def test_a_run_cannot_send_a_secret_away(person: Person, listening: FileServer) -> None:
    for conf in ({"key_env": "PATH"}, {"connection": "warehouse"}):
        run = person.start("safe.retrieve", {"source": listening.url(), **conf})
        assert run.state == "failed"
        assert "hunter2" not in run.log
    assert not listening.asked


def test_a_run_cannot_use_a_connection(person: Person) -> None:
    run = person.start("safe.retrieve", {"source": "sql", "connection": "warehouse", "query": "select 1"})
    assert run.state == "failed"
    assert "allowed_connections" in run.log


def test_a_run_cannot_read_the_workers_files(person: Person) -> None:
    secret = person.site.home / "secret.txt"
    runs = [person.start("safe.retrieve", {"source": str(secret)})]
    for file in (str(secret), {"class": "File", "location": secret.as_uri()}, {"class": "File", "path": str(secret)}):
        runs.append(person.start("safe.reads", {"file": file}))
    for run in runs:
        assert run.state == "failed"
        assert "allowed_paths" in run.log
        assert "hunter2" not in run.log


def test_a_run_cannot_ask_private_addresses(person: Person, listening: FileServer) -> None:
    runs = [person.start("safe.retrieve", {"source": listening.url()})]
    runs.append(person.start("safe.reads", {"file": {"class": "File", "location": listening.url()}}))
    for run in runs:
        assert run.state == "failed"
        assert "not a public one" in run.log
    assert not listening.asked


def test_a_text_in_a_list_is_no_way_to_name_a_file(person: Person) -> None:
    """It may look like an option of the step."""
    data = person.upload("safe.tools.process", "data.csv", TABLE)
    secret = str(person.site.home / "secret.csv")
    run = person.start("safe.tools.process", {"data": data, "target": "c", "drop": ["a"]})
    assert run.state == "success", run.log
    run = person.start("safe.tools.process", {"data": data, "target": "c", "drop": ["a", "--data", secret]})
    assert run.state == "failed"
    assert "allowed_paths" in run.log


def test_a_run_cannot_name_a_folder_to_write_into(person: Person) -> None:
    dags = person.site.home / "dags"
    before = sorted(dags.rglob("*.py"))
    model = {"class": "Directory", "basename": "m", "listing": [{**LITERAL, "basename": "MLmodel"}, LITERAL]}
    run = person.start("safe.tools.serve", {"model": model, "name": "zz", "state_folder": str(dags)})
    assert run.state == "failed"
    assert "a run may not write into" in run.log
    assert sorted(dags.rglob("*.py")) == before
    assert not (dags / "zz").exists()


def test_the_steps_of_machine_learning_need_no_setting(person: Person) -> None:
    run = person.start("safe.learning", {})
    assert run.state == "success", run.log


def test_an_uploaded_file_is_data(person: Person) -> None:
    run = person.start("safe.reads", {"file": person.upload("safe.reads", "a.txt", "some words")})
    assert run.state == "success", run.log
    outputs = person.site.home / "mlcraft" / "outputs" / "safe.reads"
    assert [path.read_text() for path in outputs.rglob("said.txt")] == ["some words"]


@pytest.mark.parametrize("name", ["..", ".", "a" * 256, "..\\..", "a\0b", "/"])
def test_an_uploaded_file_has_a_plain_name(person: Person, name: str) -> None:
    answer = person.client.post("/mlcraft/api/dags/safe.reads/files", params={"name": name}, content=b"x")
    assert answer.status_code == 422, name


def test_logs_hold_no_secret(person: Person) -> None:
    for path in (Path(person.site.home) / "logs").rglob("*.log"):
        assert "hunter2" not in path.read_text()
