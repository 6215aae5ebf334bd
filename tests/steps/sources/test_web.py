"""Data from a real http server, with the faults that servers and lines have."""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from airflow_mlcraft.steps.sources import retry, source
from tests.steps.sources.conftest import Retrieval
from tests.steps.sources.file_server import FileServer

KEY = "k-5f0c2a9d7e"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as server:
        yield server


@pytest.fixture(scope="module")
def large() -> bytes:
    rows = (f"{place},{math.sin(place)}" for place in range(100_000))
    return ("a,b\n" + "\n".join(rows) + "\n").encode()


def test_bytes_as_they_came(server: FileServer, retrieve: Retrieval) -> None:
    server.content = b"name;size\r\nM\xfcller;1,5\r\n"
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == server.content
    profile = retrieve.json("profile")
    assert (profile["format"], profile["encoding"], profile["rows"]) == ("csv", "cp1252", 1)
    assert profile["columns"]["size"]["max"] == 1.5
    record = retrieve.json("record")
    assert record["params"]["source"] == server.url()
    assert record["metrics"] == {"rows": 1, "columns": 2, "bytes": len(server.content), "nulls": 0}
    assert record["datasets"][0] == {"port": "data", "name": "data.csv", "context": "retrieval", "profile": profile}


def test_a_download_that_breaks_off_goes_on(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after = large, [1_000_000, 500_000]
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert [request.status for request in server.requests] == [200, 206, 206]
    assert sum(request.sent for request in server.requests) == len(large)
    assert server.requests[1].headers["If-Range"] == server.tag
    assert "going on at 1.0 MB" in retrieve.log


def test_a_date_can_stand_for_the_tag(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after, server.etag = large, [1_000_000], False
    server.modified = formatdate(1_700_000_000, usegmt=True)
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert server.requests[1].status == 206
    assert retrieve(server.url()) == 0
    assert "not fetched again" in retrieve.log


@pytest.mark.parametrize("lack", ["ranges", "etag"])
def test_without_ranges_or_tags_it_starts_again(
    lack: str, server: FileServer, retrieve: Retrieval, large: bytes
) -> None:
    server.content, server.break_after = large, [1_000_000]
    setattr(server, lack, False)
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert [request.status for request in server.requests] == [200, 200]


def test_what_changes_between_two_tries_is_never_mixed(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after = large, [1_000_000]
    other = large[:-2] + b"9\n"

    class ContentChanger(list[int]):
        def pop(self, place: int = -1) -> int:  # type: ignore[override]
            server.content = other
            return super().pop(place)

    server.break_after = ContentChanger([1_000_000])
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == other


def test_a_later_try_goes_on(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after = large, [1_000_000, *[0] * (retry.MAX_TRIES - 1)]
    assert retrieve(server.url()) == 75
    assert "the connection broke off; given up after 5 tries; a later try may do" in retrieve.log
    server.requests.clear()
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert sum(request.sent for request in server.requests) == len(large) - 1_000_000


def test_a_part_that_is_whole_already(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after = large, [1_000_000, *[0] * (retry.MAX_TRIES - 1)]
    assert retrieve(server.url()) == 75
    assert retrieve.state
    part = next(retrieve.state.rglob("part"))
    part.write_bytes(large)
    server.requests.clear()
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert [request.status for request in server.requests] == [416]


def test_a_killed_retrieval_goes_on(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.pause = large, 0.1
    program = (
        "import sys; from pathlib import Path; from airflow_mlcraft.steps.command import run;"
        "from airflow_mlcraft.steps.services import Services; source, folder, state = sys.argv[1:];"
        "run(['retrieve', '--source', source], folder=Path(folder), services=Services(state=Path(state)))"
    )
    command = [sys.executable, "-c", program, server.url(), str(retrieve.folder), str(retrieve.state)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        assert retrieve.state
        while not any(part.stat().st_size > 300_000 for part in retrieve.state.rglob("part")):
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    here = next(retrieve.state.rglob("part")).stat().st_size
    server.pause = 0
    server.requests.clear()
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert [(request.status, request.sent) for request in server.requests] == [(206, len(large) - here)]


def test_what_has_not_changed_is_not_fetched_again(server: FileServer, retrieve: Retrieval) -> None:
    assert retrieve(server.url()) == 0
    (retrieve.folder / "data.csv").unlink()
    before = {name: retrieve.json(name) for name in ("profile", "record")}
    assert retrieve(server.url()) == 0
    assert [request.status for request in server.requests] == [200, 304]
    assert retrieve.data() == server.content
    assert {name: retrieve.json(name) for name in before} == before
    server.content += b"3,4\n"
    assert retrieve(server.url()) == 0
    assert retrieve.data() == server.content
    server.etag = False
    server.content += b"5,6\n"
    for _ in range(2):
        assert retrieve(server.url()) == 0
        assert retrieve.data() == server.content
    assert "the content is the same as before" in retrieve.log


def test_data_that_was_spoilt_meanwhile_is_fetched_again(server: FileServer, retrieve: Retrieval) -> None:
    assert retrieve(server.url()) == 0
    assert retrieve.state
    kept = next(retrieve.state.rglob("data.csv"))
    kept.write_bytes(b"a,b\n9,9\n")
    assert retrieve(server.url()) == 0
    assert retrieve.data() == server.content


def test_a_key_from_the_environment(server: FileServer, retrieve: Retrieval) -> None:
    retrieve.secrets["API_KEY"] = f"{KEY}\n"
    server.key = ("Authorization", f"Bearer {KEY}")
    assert retrieve(server.url(), "--key-env", "API_KEY") == 0, retrieve.log
    server.key = ("X-Api-Key", KEY)
    assert retrieve(server.url(), "--key-env", "API_KEY", "--key-header", "X-Api-Key") == 0, retrieve.log
    server.key = ("Authorization", f"Token {KEY}")
    assert retrieve(server.url(), "--key-env", "API_KEY", "--key-header", "Authorization: Token") == 0, retrieve.log
    assert KEY not in retrieve.everything()


def test_a_key_from_a_connection(server: FileServer, retrieve: Retrieval) -> None:
    server.key = ("Authorization", f"Bearer {KEY}")
    retrieve.connect("api", "https://api.example.org", password=KEY)
    assert retrieve(server.url(), "--connection", "api") == 0, retrieve.log
    server.key = ("Authorization", "Basic YW5uYTprLTVmMGMyYTlkN2U=")
    retrieve.connect("api", "https://api.example.org", "anna", KEY)
    assert retrieve(server.url(), "--connection", "api") == 0, retrieve.log
    assert KEY not in retrieve.everything()
    assert "YW5uYTprLTVmMGMyYTlkN2U" not in retrieve.everything()


def test_secrets_in_the_address_are_not_told(
    server: FileServer, retrieve: Retrieval, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server.statuses = [(503, {}), (403, {})]
    server.key = ("Authorization", "Basic YW5uYTprLTVmMGMyYTlkN2U=")
    address = f"http://anna:{KEY}@127.0.0.1:{server.port}/file/data.csv?api_key={KEY}x&year=2020"
    assert retrieve(address) == 1
    assert "403" in retrieve.log
    assert retrieve(address) == 0, retrieve.log
    assert KEY not in retrieve.everything() + caplog.text
    assert retrieve.json("record")["params"]["source"].endswith("/file/data.csv?api_key=***&year=***")
    assert server.requests[-1].path == f"/file/data.csv?api_key={KEY}x&year=2020"


def test_a_key_does_not_follow_to_another_host(server: FileServer, retrieve: Retrieval) -> None:
    retrieve.secrets["API_KEY"] = KEY
    with FileServer(content=b"x,y\n3,4\n") as other:
        server.redirect = other.url("/file/there.csv")
        assert retrieve(server.url(), "--key-env", "API_KEY", "--key-header", "X-Api-Key") == 0, retrieve.log
        assert retrieve.data() == other.content
        assert server.requests[0].headers["X-Api-Key"] == KEY
        assert KEY not in str(other.requests[0].headers)
    assert "redirected to" in retrieve.log


def test_redirects_within_a_host_keep_the_key_and_end(server: FileServer, retrieve: Retrieval) -> None:
    server.statuses = [(301, {"Location": "/file/two.csv"}), (307, {"Location": "three.csv"})]
    server.key = ("Authorization", f"Bearer {KEY}")
    retrieve.secrets["API_KEY"] = KEY
    assert retrieve(server.url(), "--key-env", "API_KEY") == 0, retrieve.log
    assert [request.path for request in server.requests] == ["/file/data.csv", "/file/two.csv", "/file/three.csv"]
    server.redirect = "/file/again.csv"
    assert retrieve(server.url()) == 1
    assert "redirects" in retrieve.log
    server.redirect = "ftp://127.0.0.1/data.csv"
    assert retrieve(server.url()) == 1
    assert "redirects to ftp://127.0.0.1/data.csv, where nothing can be fetched" in retrieve.log


def test_a_server_that_is_busy_says_how_long(server: FileServer, retrieve: Retrieval) -> None:
    server.statuses = [(503, {"Retry-After": "1"}), (429, {"Retry-After": formatdate(time.time(), usegmt=True)})]
    assert retrieve(server.url()) == 0, retrieve.log
    assert "the server answers 503 Service Unavailable; trying again in 1 s" in retrieve.log
    server.statuses = [(503, {"Retry-After": "86400"})]
    assert retrieve(server.url()) == 75
    assert "since it asks to wait 86400 s" in retrieve.log
    server.statuses = [(500, {})] * retry.MAX_TRIES
    assert retrieve(server.url()) == 75
    assert "given up after 5 tries" in retrieve.log


@pytest.mark.parametrize(
    ("status", "words"), [(401, "check --key-env"), (403, "forbidden"), (404, "nothing at this address"), (418, "418")]
)
def test_what_no_other_try_mends(status: int, words: str, server: FileServer, retrieve: Retrieval) -> None:
    server.statuses = [(status, {})]
    assert retrieve(server.url()) == 1
    assert words in retrieve.log
    assert len(server.requests) == 1


def test_nobody_listens(retrieve: Retrieval) -> None:
    with FileServer() as gone:
        address = gone.url()
    assert retrieve(address) == 75
    assert "no connection" in retrieve.log


def test_keys_that_are_missing(server: FileServer, retrieve: Retrieval) -> None:
    assert retrieve(server.url(), "--key-env", "API_KEY") == 1
    assert "the environment variable API_KEY is not set" in retrieve.log
    assert retrieve(server.url(), "--connection", "api") == 1
    assert "there is no connection 'api'" in retrieve.log
    assert "MLCRAFT_CONN_API" in retrieve.log
    retrieve.secrets["API_KEY"] = "schlüssel"
    assert retrieve(server.url(), "--key-env", "API_KEY") == 1
    assert "schlüssel" not in retrieve.log
    retrieve.secrets["API_KEY"] = KEY
    assert retrieve(server.url(), "--key-env", "API_KEY", "--key-header", "X Y\n") == 1
    assert "no name of a header" in retrieve.log
    assert server.requests == []


def test_content_that_is_packed_for_the_way(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.gzipped, server.break_after = large, True, [300_000]
    assert retrieve(server.url()) == 0, retrieve.log
    assert retrieve.data() == large
    assert [request.status for request in server.requests] == [200, 206]


def test_progress_is_told_now_and_then(
    server: FileServer, retrieve: Retrieval, large: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "SECONDS_BETWEEN_LINES", 0.2)
    server.content, server.pause = large, 0.03
    assert retrieve(server.url()) == 0
    lines = [line for line in retrieve.log_lines if "%)" in line]
    assert 1 <= len(lines) <= 15
    assert "of 2.6 MB (" in lines[0]
    assert lines[0].endswith("/s")


def test_checksums(server: FileServer, retrieve: Retrieval) -> None:
    right = "md5:4d4fda8a1a5cbfb8e7dc0a9dba0c6ef6"
    assert retrieve(server.url(), "--checksum", right) == 1
    assert "but md5:4d4fda8a1a5cbfb8e7dc0a9dba0c6ef6 is expected" in retrieve.log
    right = f"sha256:{hashlib.sha256(server.content).hexdigest()}"
    assert retrieve(server.url(), "--checksum", right) == 0, retrieve.log
    server.requests.clear()
    assert retrieve(server.url(), "--checksum", right) == 0, retrieve.log
    assert server.requests == []
    assert "has the checksum" in retrieve.log
    for wrong in ("md5", "crc32:12345678", "md5:xyz"):
        assert retrieve(server.url(), "--checksum", wrong) == 1
        assert "--checksum" in retrieve.log


def test_a_page_instead_of_data(server: FileServer, retrieve: Retrieval) -> None:
    server.content = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>"
    assert retrieve(server.url()) == 1
    assert 'is an HTML page ("Sign in"), and no data' in retrieve.log


def test_without_a_state_nothing_is_left_behind(server: FileServer, retrieve: Retrieval, large: bytes) -> None:
    server.content, server.break_after = large, [1_000_000]
    assert retrieve(server.url(), state=False) == 0, retrieve.log
    assert sorted(path.name for path in retrieve.folder.iterdir()) == ["data.csv", "profile.json", "record.json"]
    assert retrieve.data() == large


def test_two_at_once_do_not_meet(server: FileServer, retrieve: Retrieval, tmp_path: Path) -> None:
    """The second does without the folder that the first has locked."""
    assert retrieve(server.url()) == 0
    assert retrieve.state
    with next(retrieve.state.rglob("lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert retrieve(server.url()) == 0
    assert server.requests[-1].status == 200


@pytest.mark.parametrize("address", ["http://", "http://[", "https://exa mple/x", "http:///data.csv"])
def test_addresses_that_are_none(address: str, retrieve: Retrieval) -> None:
    assert retrieve(address) == 1
    assert "address" in retrieve.log
