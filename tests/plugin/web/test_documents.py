"""The list of documents, and their texts; no path leads out of the folder."""

from __future__ import annotations

import hashlib
import json
from http.client import HTTPConnection

import pytest

from tests.plugin.site import Site

API = "/mlcraft/api/documents"
ESCAPES = [
    "../dags/cwl_dags.py",
    "..%2Fairflow.cfg",
    "%2e%2e/airflow.cfg",
    "%2e%2e%2fairflow.cfg",
    "..%5cairflow.cfg",
    "tools/../../airflow.cfg",
    "tools%2F..%2F..%2Fairflow.cwl",
    "%2Fetc%2Fpasswd",
    "//etc/passwd.cwl",
    "other.cwl%00.txt",
    "%00.cwl",
    ".hidden.cwl",
    "tools/.hidden/x.cwl",
    "shipped:../../settings.cwl",
    "shipped:/etc/passwd",
    "file:%2F%2F%2Fetc%2Fpasswd",
    "airflow.cfg",
    "passwords.txt",
    "",
    "leads_out.cwl",
    "elsewhere/secret.cwl",
    "..%c0%afsecret.cwl",
]


@pytest.fixture(scope="module", autouse=True)
def _links(site: Site) -> None:
    secret = site.home / "secrets"
    secret.mkdir()
    (secret / "secret.cwl").write_text("cwlVersion: v1.2\nclass: Workflow\nlabel: a secret\n")
    (site.documents / "leads_out.cwl").symlink_to(secret / "secret.cwl")
    (site.documents / "elsewhere").symlink_to(secret)


def raw(site: Site, method: str, path: str, body: object = None) -> tuple[int, str]:
    """The path as it is; other clients would tidy up dots."""
    with site.client() as client:
        cookie = f"_token={client.cookies['_token']}"
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    headers = {"Cookie": cookie, "Origin": site.url, "Content-Type": "application/json"}
    connection.request(method, f"{API}/{path}", json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize("path", ESCAPES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_paths_do_not_leave_the_folder(site: Site, method: str, path: str) -> None:
    body = {"text": "escaped", "base": None} if method == "PUT" else None
    status, text = raw(site, method, path + ("?base=0" if method == "DELETE" else ""), body)
    assert status in (400, 404, 405, 422), text
    assert "a secret" not in text
    assert not [file for file in site.home.rglob("*") if file.is_file() and file.read_bytes() == b"escaped"]


@pytest.mark.parametrize("path", ["../out.cwl", "/tmp/out.cwl", "a/../../out.cwl", "elsewhere/out.cwl", "x\0.cwl", ""])
def test_copies_do_not_leave_the_folder(site: Site, path: str) -> None:
    with site.client() as client:
        version = client.get(f"{API}/other.cwl").json()["version"]
        for verb, body in (("duplicate", {}), ("rename", {"base": version})):
            assert client.post(f"{API}/other.cwl/{verb}", json={"to": path, **body}).status_code == 400
        answer = client.post(f"{API}/shipped:tools/train.cwl/take", json={"to": path or "../x.cwl"})
        assert answer.status_code == 400
        for route in ("check", "command"):
            assert client.post(f"/mlcraft/api/{route}", json={"path": path, "text": ""}).status_code == 400
    assert not list(site.home.rglob("out.cwl"))


def test_documents_behind_links_that_lead_out_are_not_listed(site: Site) -> None:
    with site.client() as client:
        listed = {entry["path"] for entry in client.get(API).json()}
    assert not {path for path in listed if "secret" in path or "leads_out" in path}


def test_a_document_in_the_list(site: Site) -> None:
    with site.client() as client:
        found = {entry["path"]: entry for entry in client.get(API).json()}
    tool = found["tools/greet.cwl"]
    assert tool["class"] == "CommandLineTool"
    assert (tool["label"], tool["doc"], tool["dag_id"]) == ("Greet", "Greets one person.", "tools.greet")
    assert tool["inputs"] == [
        {"id": "person", "type": "string"},
        {"id": "greeting", "type": "string", "optional": True},
    ]
    assert tool["used_by"] == ["greetings.cwl"]
    shipped = found["shipped:tools/train.cwl"]
    assert (shipped["origin"], shipped["copy_to"], shipped["hint"]) == ("shipped", "tools/train.cwl", "Train")
    assert shipped["can_edit"] is False
    estimator = next(port for port in shipped["inputs"] if port["id"] == "estimator")
    assert [kind if isinstance(kind, str) else kind["type"] for kind in estimator["type"]] == ["enum", "string"]


def test_the_text_is_as_it_is_on_disk(site: Site) -> None:
    data = b"# comment\r\ncwlVersion: v1.2\r\nclass: Workflow\n\tbroken \xc3\xbc\n\n\n"
    (site.documents / "as_it_is.cwl").write_bytes(data)
    with site.client() as client:
        found = client.get(f"{API}/as_it_is.cwl").json()
        listed = {entry["path"]: entry for entry in client.get(API).json()}
    (site.documents / "as_it_is.cwl").unlink()
    assert found["text"].encode() == data
    assert found["version"] == hashlib.sha256(data).hexdigest()
    assert "is not YAML" in listed["as_it_is.cwl"]["error"]


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [(b"\xff\xfe\x00\x01", 422, "is not UTF-8 text"), (b"a: " + b"b" * 3_000_000, 413, "a document at most")],
)
def test_what_is_no_text_or_too_large_is_not_opened(site: Site, data: bytes, status: int, says: str) -> None:
    (site.documents / "odd.cwl").write_bytes(data)
    with site.client() as client:
        answer = client.get(f"{API}/odd.cwl")
        listed = {entry["path"]: entry for entry in client.get(API).json()}
    (site.documents / "odd.cwl").unlink()
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert says in listed["odd.cwl"]["error"]


def test_values_that_would_fill_the_memory_are_not_followed(site: Site) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for text in (bomb, "[" * 200_000, "{a: " * 100_000):
        (site.documents / "bomb.cwl").write_text(text)
        with site.client() as client:
            listed = {entry["path"]: entry for entry in client.get(API).json()}
            checked = client.post("/mlcraft/api/check", json={"path": "bomb.cwl", "text": text}).json()
        assert "than can be shown" in listed["bomb.cwl"]["error"]
        assert "than can be shown" in checked["problems"][0]["message"]
    (site.documents / "bomb.cwl").unlink()


def test_a_missing_document_is_a_sentence(site: Site) -> None:
    with site.client() as client:
        answer = client.get(f"{API}/nowhere.cwl")
    assert (answer.status_code, answer.json()) == (404, {"detail": "there is no document nowhere.cwl"})
