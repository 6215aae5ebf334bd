"""Tests of a remote in an S3 bucket, simulated by moto."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mlcraft.errors import StoreError
from airflow_mlcraft.store.store import Store

pytest.importorskip("s3fs")


@pytest.fixture
def options(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    import boto3

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = {"key": "key", "secret": "secret", "endpoint_url": s3_endpoint}
    boto3.client(
        "s3",
        endpoint_url=s3_endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    ).create_bucket(Bucket="bucket")
    return found


def test_another_machine_finds_what_was_kept(options: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "a.txt").write_text("hello")
    (tmp_path / "folder" / "b.txt").write_text("world")
    here = Store(tmp_path / "here", remote="s3://bucket/store", remote_options=options)
    oid = here.add_folder(tmp_path / "folder")
    there = Store(tmp_path / "there", remote="s3://bucket/store", remote_options=options)
    there.checkout(oid, tmp_path / "again")
    assert (tmp_path / "again" / "deep" / "a.txt").read_text() == "hello"
    assert (tmp_path / "again" / "b.txt").read_text() == "world"


def test_a_bucket_that_is_not_there(options: dict[str, str], tmp_path: Path) -> None:
    store = Store(tmp_path / "here", remote="s3://nowhere/store", remote_options=options)
    with pytest.raises(StoreError, match="nowhere"):
        store.add_bytes(b"hello")
