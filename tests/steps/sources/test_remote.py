"""Data in buckets and other remote places. moto stands in for Amazon's S3, which tests cannot have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_mlcraft.steps.sources import remote
from airflow_mlcraft.steps.sources.source import Progress
from tests.steps.sources.conftest import Retrieval

pytest.importorskip("s3fs")
HIDDEN = "s3cr3t-5f0c2a9d7e"


@pytest.fixture
def bucket(s3_endpoint: str, retrieve: Retrieval, monkeypatch: pytest.MonkeyPatch) -> Any:
    import boto3

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    retrieve.connect("lake", "", "key", HIDDEN, endpoint_url=s3_endpoint)
    s3 = boto3.resource(
        "s3", endpoint_url=s3_endpoint, aws_access_key_id="key", aws_secret_access_key=HIDDEN, region_name="us-east-1"
    )
    bucket = s3.create_bucket(Bucket="bucket")
    bucket.objects.all().delete()
    return bucket


def test_an_object_is_fetched_once(bucket: Any, retrieve: Retrieval) -> None:
    bucket.put_object(Key="iris/data.csv", Body=b"a,b\n1,2\n")
    assert retrieve("s3://bucket/iris/data.csv", "--connection", "lake") == 0, retrieve.log
    assert retrieve.data() == b"a,b\n1,2\n"
    assert retrieve("s3://bucket/iris/data.csv", "--connection", "lake") == 0, retrieve.log
    assert "not fetched again" in retrieve.log
    bucket.put_object(Key="iris/data.csv", Body=b"a,b\n1,3\n")
    assert retrieve("s3://bucket/iris/data.csv", "--connection", "lake") == 0, retrieve.log
    assert retrieve.data() == b"a,b\n1,3\n"
    assert HIDDEN not in retrieve.everything()
    assert retrieve.json("record")["params"]["source"] == "s3://bucket/iris/data.csv"


def test_a_part_is_gone_on_with(bucket: Any, retrieve: Retrieval, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"a,b\n" + b"1,2\n" * 500_000
    bucket.put_object(Key="large.csv", Body=content)

    class FailingProgress(Progress):
        def advance(self, count: int) -> None:
            raise ConnectionError("reset")

    monkeypatch.setattr(remote, "_CHUNK_SIZE", 500_000)
    with monkeypatch.context() as broken:
        broken.setattr(remote, "Progress", FailingProgress)
        assert retrieve("s3://bucket/large.csv", "--connection", "lake") in (0, 75)
    assert "going on at 500.0 kB" in retrieve.log
    assert retrieve("s3://bucket/large.csv", "--connection", "lake") == 0, retrieve.log
    assert retrieve.data() == content


def test_a_pattern_puts_objects_together(bucket: Any, retrieve: Retrieval) -> None:
    for name, row in (("b", b"3,4"), ("a", b"1,2")):
        bucket.put_object(Key=f"parts/{name}.csv", Body=b"x,y\n" + row + b"\n")
    bucket.put_object(Key="parts/notes.txt", Body=b"hello")
    assert retrieve("s3://bucket/parts/*.csv", "--connection", "lake") == 0, retrieve.log
    assert retrieve.data() == b"x,y\n1,2\n3,4\n"
    assert retrieve("s3://bucket/parts/*.json", "--connection", "lake") == 1
    assert "no file is of this pattern" in retrieve.log


def test_what_is_not_there(bucket: Any, retrieve: Retrieval) -> None:
    assert retrieve("s3://bucket/nothing.csv", "--connection", "lake") == 1
    assert "there is nothing at this address" in retrieve.log
    assert retrieve("s3://nowhere/data.csv", "--connection", "lake") == 1
    bucket.put_object(Key="folder/data.csv", Body=b"a,b\n1,2\n")
    assert retrieve("s3://bucket/folder", "--connection", "lake") == 1
    assert "s3://bucket/folder is a folder" in retrieve.log
    assert retrieve("s3://bucket/folder", "--connection", "sea") == 1
    assert "there is no connection 'sea'" in retrieve.log


def test_no_key_and_no_network(retrieve: Retrieval, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_HIDDEN_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert retrieve("s3://bucket/data.csv") == 1
    assert "there is no key for it" in retrieve.log
    retrieve.connect("lake", "", "key", HIDDEN, endpoint_url="http://127.0.0.1:9")
    assert retrieve("s3://bucket/data.csv", "--connection", "lake") == 75
    assert "no connection" in retrieve.log


def test_other_file_systems(retrieve: Retrieval) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe("/data/a.jsonl", b'{"x": 1}\n{"x": 2}\n')
    assert retrieve("memory://data/a.jsonl") == 0, retrieve.log
    assert retrieve.data("jsonl") == b'{"x": 1}\n{"x": 2}\n'


def test_schemes_that_nobody_knows(retrieve: Retrieval) -> None:
    assert retrieve("gopher://host/data.csv") == 1
    assert "nothing can read gopher://" in retrieve.log


def test_a_package_that_is_not_installed(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['s3fs'] = None; sys.argv = ['', 'retrieve', '--source', 's3://bucket/data.csv'];"
        "from airflow_mlcraft.steps.command import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "s3:// needs a package" in done.stderr
    assert "install airflow-provider-mlcraft[s3] with pip" in done.stderr
    assert "Traceback" not in done.stderr
