"""Rows of real databases."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from airflow_mlcraft.steps.command import TEMPORARY
from airflow_mlcraft.steps.sources import database
from bench.postgres import find_programs, postgres
from tests.steps.sources.conftest import Retrieval


@pytest.fixture
def shop(retrieve: Retrieval, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "shop.db"
    retrieve.connect("shop", f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER, price REAL, day TEXT, note TEXT)")
        yield connection
    connection.close()


def frame(retrieve: Retrieval) -> pd.DataFrame:
    return pd.read_parquet(retrieve.folder / "data.parquet")


def test_rows_become_parquet(shop: sqlite3.Connection, retrieve: Retrieval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BATCH_ROWS", 100)
    shop.executemany(
        "INSERT INTO sales VALUES (?, ?, '2020-01-01', ?)",
        [(place, None if place < 150 else place / 2, "50 % off: x") for place in range(1000)],
    )
    shop.commit()
    query = "SELECT id, price, note FROM sales WHERE note LIKE '50 %:%' ORDER BY id"
    assert retrieve("sql", "--connection", "shop", "--query", query) == 0, retrieve.log
    got = frame(retrieve)
    assert list(got.columns) == ["id", "price", "note"]
    assert got["id"].tolist() == list(range(1000))
    assert got["price"].isna().sum() == 150
    assert got["price"].iloc[-1] == 499.5
    first = retrieve.data("parquet")
    assert retrieve("sql", "--connection", "shop", "--query", query) == 0
    assert retrieve.data("parquet") == first
    assert retrieve.json("record")["datasets"][0]["name"] == "query"


def test_values_of_several_types_become_text(shop: sqlite3.Connection, retrieve: Retrieval) -> None:
    shop.execute("INSERT INTO sales VALUES (1, 1.5, 'a', 'x'), ('two', 2, 'b', NULL)")
    shop.commit()
    assert retrieve("sql", "--connection", "shop", "--query", "SELECT id, price FROM sales") == 0, retrieve.log
    assert frame(retrieve)["id"].tolist() == ["1", "two"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "needs --query"),
        ("SELECT * FROM nowhere", "no such table: nowhere"),
        ("SELEC 1", "syntax error"),
        ("SELECT id FROM sales", "no rows"),
        ("DELETE FROM sales", "no rows at all; expected a SELECT"),
        ("SELECT id, price AS id FROM sales", "'id' more than once"),
    ],
)
def test_queries_that_give_nothing(query: str, words: str, shop: sqlite3.Connection, retrieve: Retrieval) -> None:
    assert retrieve("sql", "--connection", "shop", "--query", query) == 1
    assert words in retrieve.log


def test_addresses_as_airflow_has_them(shop: sqlite3.Connection, retrieve: Retrieval, tmp_path: Path) -> None:
    from airflow.sdk import Connection

    shop.execute("INSERT INTO sales VALUES (1, 2.5, 'a', 'b')")
    shop.commit()
    connection = Connection(
        conn_id="shop", conn_type="sqlite", host=str(tmp_path / "shop.db"), extra='{"nested": {"x": 1}}'
    )
    retrieve.connect("shop", connection.get_uri())
    assert retrieve("sql", "--connection", "shop", "--query", "SELECT price FROM sales") == 0, retrieve.log
    assert frame(retrieve)["price"].tolist() == [2.5]


def test_connections_that_open_nothing(retrieve: Retrieval) -> None:
    for uri, words in (
        ("sqlite:////nowhere/at/all.db", "unable to open"),
        ("nosql://host/db", "which SQLAlchemy does not know"),
        ("not an address", "no address of a database"),
        ("mssql://user:pa55word-x@host/db", "needs the Python package pyodbc"),
    ):
        retrieve.connect("db", uri, "user", "pa55word-x")
        assert retrieve("sql", "--connection", "db", "--query", "SELECT 1") == 1, retrieve.log
        assert words in retrieve.log
        assert "pa55word" not in retrieve.log
    assert retrieve("sql", "--query", "SELECT 1") == 1
    assert "needs --connection" in retrieve.log


def test_a_server_that_is_down_may_come_back(retrieve: Retrieval) -> None:
    retrieve.connect("db", "postgres://user:pa55word-x@127.0.0.1:9/db", "user", "pa55word-x")
    assert retrieve("sql", "--connection", "db", "--query", "SELECT 1") == 75
    assert "pa55word" not in retrieve.everything()


@pytest.mark.skipif(find_programs() is None, reason="no PostgreSQL is installed")
def test_postgresql_is_read_as_a_stream(retrieve: Retrieval, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BATCH_ROWS", 1000)
    query = (
        "SELECT n, n::numeric / 4 AS quarter, '{\"a\": 1}'::jsonb AS document,"
        " timestamp '2020-01-01' + n * interval '1 h' AS at, gen_random_uuid() AS id"
        " FROM generate_series(1, 5000) AS n ORDER BY n"
    )
    with postgres() as uri:
        retrieve.connect("db", uri)
        for _ in range(100):  # a server that is starting up is temporary trouble
            if retrieve("sql", "--connection", "db", "--query", "SELECT 1 AS one") != TEMPORARY:
                break
            time.sleep(0.1)
        assert retrieve("sql", "--connection", "db", "--query", query) == 0, retrieve.log
        got = frame(retrieve)
        assert got["quarter"].iloc[-1] == 1250.0
        assert got["document"].iloc[0] == '{"a": 1}'
        assert str(got["at"].iloc[0]) == "2020-01-01 01:00:00"
        assert len(got) == 5000
        assert retrieve("sql", "--connection", "db", "--query", "SELECT * FROM nowhere") == 1
        assert 'relation "nowhere" does not exist' in retrieve.log
