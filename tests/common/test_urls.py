from __future__ import annotations

import pytest

from airflow_mlcraft.common.urls import (
    host_and_port,
    mask_url,
    remove_userinfo,
    without_userinfo,
    without_userinfo_and_query,
)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("https://host:8080/a?key=secret&flag#part", "https://host:8080/a?key=***&***"),
        ("https://user:p@ss@host/a", "https://***@host/a"),
        ("/folder/table.csv?x=1", "/folder/table.csv?x=1"),
    ],
)
def test_masked(url: str, masked: str) -> None:
    assert mask_url(url) == masked


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://user:p@ss@host:5000/a?b=c", "https://host:5000/a?b=c"),
        ("https://host/a@b", "https://host/a@b"),
        ("sqlite:///file.db", "sqlite:///file.db"),
        ("sqlite:////folder/a@b.db", "sqlite:////folder/a@b.db"),
        ("/folder/of@user", "/folder/of@user"),
    ],
)
def test_without_userinfo(url: str, without: str) -> None:
    assert without_userinfo(url) == without


def test_without_userinfo_and_query() -> None:
    assert without_userinfo_and_query("s3://user:word@bucket/a?X-Signature=1#b") == "s3://bucket/a"


def test_userinfo_is_removed_from_a_text() -> None:
    assert remove_userinfo("https://a:b@host/x and s3://k@t are gone") == "https://host/x and s3://t are gone"


def test_host_and_port() -> None:
    assert host_and_port("http://user:word@host:80/a") == "host:80"
