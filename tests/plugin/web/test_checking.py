"""The check that counts, and the command line of a tool, while a document is being edited."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.plugin.site import Site


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    with site.client() as client:
        yield client


def find_problems(client: httpx.Client, path: str, text: str) -> list[dict[str, object]]:
    answer = client.post("/mlcraft/api/check", json={"path": path, "text": text})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["problems"]
    assert answer.json()["graph_ok"] is not any(problem["severity"] == "error" for problem in found)
    return found


def text_of(client: httpx.Client, path: str) -> str:
    return str(client.get(f"/mlcraft/api/documents/{path}").json()["text"])


def test_a_good_document_has_no_problems(client: httpx.Client) -> None:
    assert find_problems(client, "greetings.cwl", text_of(client, "greetings.cwl")) == []


def test_each_problem_has_its_place(client: httpx.Client) -> None:
    text = text_of(client, "greetings.cwl")
    broken = text.replace("texts: greet/text", "texts: greet/txt").replace(
        "outputSource: counting/lines", "outputSource: nothing"
    )
    found = find_problems(client, "greetings.cwl", broken)
    lines = broken.splitlines()
    assert [lines[int(str(problem["line"])) - 1].strip() for problem in found] == [
        "in: {texts: greet/txt, count: count}",
        "outputSource: nothing",
    ]
    assert [problem["step"] for problem in found] == ["counting", None]


def test_links_that_do_not_fit_name_their_step(client: httpx.Client) -> None:
    text = text_of(client, "greetings.cwl").replace("    scatter: person\n", "")
    found = find_problems(client, "greetings.cwl", text)
    assert {problem["step"] for problem in found} >= {"greet"}
    assert any("type string[] does not fit sink 'person' of type string" in str(found) for found in found)


def test_a_hint_that_airflow_refuses_is_a_problem(client: httpx.Client) -> None:
    text = text_of(client, "greetings.cwl").replace(
        "    scatter: person\n", "    scatter: person\n    hints: {mlcraft:Task: {retriez: 2}}\n"
    )
    (problem,) = find_problems(client, "greetings.cwl", text)
    assert "retriez" in str(problem["message"])
    assert problem["step"] == "greet"


@pytest.mark.parametrize("target", ["../secret_tool.cwl", "/etc/passwd", "file:///etc/passwd", "../airflow.cfg"])
def test_files_outside_of_the_folder_are_not_read(site: Site, client: httpx.Client, target: str) -> None:
    (site.home / "secret_tool.cwl").write_text("class: CommandLineTool\nlabel: a secret\n")
    text = text_of(client, "greetings.cwl")
    for broken in (
        text.replace("tools/greet.cwl", target),
        text.replace("doc: Greets several people.", f"doc: {{$include: {target}}}"),
        text.replace("doc: Greets several people.", f"$schemas: [{target}]"),
    ):
        found = find_problems(client, "greetings.cwl", broken)
        assert "secret\n" not in str(found)
        assert "root:" not in str(found)
    assert "outside of the documents folder" in str(
        find_problems(client, "greetings.cwl", text.replace("tools/greet.cwl", target))
    )


def test_hosts_that_are_not_allowed_are_not_asked(client: httpx.Client) -> None:
    text = text_of(client, "greetings.cwl").replace("tools/greet.cwl", "http://127.0.0.1:9/x.cwl")
    assert "is not allowed" in str(find_problems(client, "greetings.cwl", text))


def test_the_command_line_follows_the_text(client: httpx.Client) -> None:
    text = text_of(client, "tools/greet.cwl")
    body = {"path": "tools/greet.cwl", "text": text, "values": {"person": "Ada Lovelace"}}
    made = client.post("/mlcraft/api/command", json=body).json()
    assert made["command"] == ["sh", "-c", 'test "$0" != Nobody && echo "$1 $0"', "Ada Lovelace", "Hello"]
    assert made["shell"].endswith("'Ada Lovelace' Hello > greeting.txt")
    assert made["missing"] == []
    made = client.post("/mlcraft/api/command", json={**body, "values": {}}).json()
    assert made["command"][3] == "PERSON"
    assert made["missing"] == ["person"]


def test_no_file_is_read_and_no_script_is_run_for_a_command_line(site: Site, client: httpx.Client) -> None:
    secret = site.home / "contents_of_a_secret.txt"
    secret.write_text("the secret itself")
    text = f"""\
cwlVersion: v1.2
class: CommandLineTool
requirements: {{InlineJavascriptRequirement: {{}}}}
baseCommand: echo
arguments:
- $(inputs.file.contents)
- $(process.env.PATH)
- ${{ return require("fs").readFileSync("{secret}") }}
- $(inputs.file.basename)
inputs:
  file:
    type: File
    loadContents: true
    default: {{class: File, location: "{secret}"}}
outputs: []
"""
    answer = client.post("/mlcraft/api/command", json={"path": "x.cwl", "text": text})
    assert answer.status_code == 200, answer.text
    assert "the secret itself" not in answer.text
    assert answer.json()["command"][-1] == "contents_of_a_secret.txt"
    assert "$(process.env.PATH)" in answer.json()["command"]
    values = {"file": {"class": "File", "location": secret.as_uri()}}
    answer = client.post("/mlcraft/api/command", json={"path": "x.cwl", "text": text, "values": values})
    assert "the secret itself" not in answer.text


def test_only_tools_have_command_lines(client: httpx.Client) -> None:
    body = {"path": "greetings.cwl", "text": text_of(client, "greetings.cwl")}
    answer = client.post("/mlcraft/api/command", json=body)
    assert answer.status_code == 422
    assert "only a CommandLineTool" in answer.json()["detail"]


def test_composer_form(client: httpx.Client) -> None:
    text = text_of(client, "tools/greet.cwl")
    form = client.post("/mlcraft/api/composer-form", json={"path": "tools/greet.cwl", "text": text}).json()
    assert form["problems"] == []
    assert "cwlVersion: v1.0" in form["files"]["greet.cwl"]


def test_the_schema_has_a_form_for_each_hint(client: httpx.Client) -> None:
    schema = client.get("/mlcraft/api/schema").json()
    assert {"Dag", "Task", "Data", *schema["kinds"]} == set(schema["$defs"])
    for name, hint in schema["$defs"].items():
        assert hint["properties"]["class"] == {"const": f"mlcraft:{name}"}
        assert hint["title"], name
        assert all(field["title"] for key, field in hint["properties"].items() if key != "class")
    assert schema["$defs"]["Train"]["tool"] == "tools/train.cwl"
